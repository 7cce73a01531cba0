#!/usr/bin/env python3
"""The five libraries the sensor must stand on are found by CMake, linked, included by sources, and in what was compiled:
libpcap, Boost (Asio), nlohmann/json, prometheus-cpp, GoogleTest. dependencies.py BUILD-DIRECTORY"""
import pathlib
import re
import subprocess
import sys

from repository import ROOT, finish, tracked_files

# name: found by CMake (cache or dependencies file), linked target, library on a link line (none: headers only), header
LIBRARIES = {
    "libpcap": (r"pkg_check_modules|libpcap", r"PkgConfig::libpcap", r"libpcap\.(so|a)", r"pcap/pcap\.h|pcap\.h", "sensor"),
    "Boost.Asio": (r"find_package\(Boost\b", r"Boost::boost", None, r"boost/asio", "sensor"),
    "nlohmann/json": (r"find_package\(nlohmann_json\b", r"nlohmann_json::nlohmann_json", None, r"nlohmann/json\.hpp", "sensor"),
    "prometheus-cpp": (r"find_package\(prometheus-cpp\b", r"prometheus-cpp::core", r"libprometheus-cpp-core", r"prometheus/registry\.h", "sensor"),
    "GoogleTest": (r"find_package\(GTest\b", r"GTest::g", r"libg(test|mock)", r"gtest/gtest\.h", "tests"),
}


def main():
    build = pathlib.Path(sys.argv[1])
    cmake_text = "\n".join(path.read_text(encoding="utf-8") for path in tracked_files()
                           if path.name == "CMakeLists.txt" or path.suffix == ".cmake")
    ninja_text = (build / "build.ninja").read_text(encoding="utf-8", errors="replace")
    link_lines = "\n".join(re.findall(r"^\s+LINK_LIBRARIES = .*$", ninja_text, re.MULTILINE))
    compiled = subprocess.run(["ninja", "-C", str(build), "-t", "deps"], capture_output=True, text=True, check=False).stdout
    texts = {folder: [path.read_text(encoding="utf-8") for path in tracked_files(folder) if path.suffix in (".h", ".cc")]
             for folder in ("sensor", "tests")}
    offenders = []
    for name, (found, target, library, header, folder) in LIBRARIES.items():
        if not re.search(found, cmake_text):
            offenders.append(f"{name}: CMake does not look for it")
        if not re.search(target, cmake_text):
            offenders.append(f"{name}: no target links {target}")
        if library and not re.search(library, link_lines):
            offenders.append(f"{name}: no link line of {build.name}/build.ninja holds it")
        if not any(re.search(rf'#\s*include\s+[<"]({header})', text) for text in texts[folder]):
            offenders.append(f"{name}: no file of {folder}/ includes it")
        if not re.search(rf"^\s+/.*/({header})", compiled, re.MULTILINE):
            offenders.append(f"{name}: nothing that was compiled read its headers")
    finish("dependencies", offenders, len(LIBRARIES))


if __name__ == "__main__":
    main()
