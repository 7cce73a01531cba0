// bench_pictures_decode FILE...: decodes JPEG files with bare libjpeg-turbo to grey at 1/8 scale, every byte of them:
// what a sensor that looks at each picture costs at least; measure.py compares replay with it. Prints bytes and the
// seconds of CPU that decoding took, reading left out.
//
// bench_pictures_decode --loop 8|1 FILE...: reads and decodes them on all processors, grey at 1/8 scale or whole in
// colour: what enrolment cannot do without (scale). Prints bytes, seconds and seconds of CPU.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <span>
#include <thread>
#include <vector>

#include <jpeglib.h>

namespace {

double ProcessSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

std::vector<unsigned char> Read(const char* path) {
  std::ifstream stream(path, std::ios::binary | std::ios::ate);
  std::vector<unsigned char> file(stream ? static_cast<std::size_t>(stream.tellg()) : 0);
  stream.seekg(0);
  stream.read(reinterpret_cast<char*>(file.data()), static_cast<std::streamsize>(file.size()));
  if (stream && !file.empty()) return file;
  std::fprintf(stderr, "bench_pictures_decode: cannot read %s\n", path);
  std::exit(1);
}

// libjpeg's own error handler ends the process: the files are our own.
void Decode(const std::vector<unsigned char>& file, unsigned scale, std::vector<unsigned char>& row) {
  jpeg_error_mgr errors;
  jpeg_decompress_struct info;
  info.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, file.data(), file.size());
  jpeg_read_header(&info, TRUE);
  if (scale != 1) info.out_color_space = JCS_GRAYSCALE;
  info.scale_num = 1;
  info.scale_denom = scale;
  if (scale != 1) info.do_fancy_upsampling = FALSE;
  jpeg_start_decompress(&info);
  row.resize(std::size_t{info.output_width} * static_cast<std::size_t>(info.output_components));
  JSAMPROW rows[] = {row.data()};
  while (info.output_scanline < info.output_height) jpeg_read_scanlines(&info, rows, 1);
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
}

void Loop(std::span<char*> paths, unsigned scale) {
  const auto began = std::chrono::steady_clock::now();
  std::atomic<std::size_t> next = 0;
  std::atomic<std::uint64_t> bytes = 0;
  const auto work = [&] {
    std::vector<unsigned char> row;
    for (std::size_t i = next++; i < paths.size(); i = next++) {
      const auto file = Read(paths[i]);
      Decode(file, scale, row);
      bytes += file.size();
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < std::thread::hardware_concurrency(); ++i) threads.emplace_back(work);
  threads.clear();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - began;
  std::printf("%llu %.6f %.6f\n", static_cast<unsigned long long>(bytes), wall.count(), ProcessSeconds());
}

}  // namespace

int main(int argc, char** argv) {
  const std::span arguments(argv, static_cast<std::size_t>(argc));
  if (argc > 2 && std::strcmp(argv[1], "--loop") == 0) {
    Loop(arguments.subspan(3), argv[2][0] == '1' ? 1 : 8);
    return 0;
  }
  std::uint64_t bytes = 0;
  double seconds = 0;
  std::vector<unsigned char> row;
  for (const char* path : arguments.subspan(1)) {
    const auto file = Read(path);
    const double began = ProcessSeconds();
    Decode(file, 8, row);
    seconds += ProcessSeconds() - began;
    bytes += file.size();
  }
  std::printf("%llu %.6f\n", static_cast<unsigned long long>(bytes), seconds);
  return 0;
}
