// bench_pictures_decode FILE...: decodes JPEG files with bare libjpeg-turbo to grey at 1/8 scale, every byte of them:
// what a sensor that looks at each picture costs at least; measure.py compares replay with it. Prints bytes and the
// seconds of CPU that decoding took, reading left out.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <vector>

#include <jpeglib.h>

namespace {

double ProcessSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// libjpeg's own error handler ends the process: the files are our own.
void Decode(const std::vector<unsigned char>& file, std::vector<unsigned char>& row) {
  jpeg_error_mgr errors;
  jpeg_decompress_struct info;
  info.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, file.data(), file.size());
  jpeg_read_header(&info, TRUE);
  info.out_color_space = JCS_GRAYSCALE;
  info.scale_num = 1;
  info.scale_denom = 8;
  info.do_fancy_upsampling = FALSE;
  jpeg_start_decompress(&info);
  row.resize(info.output_width);
  JSAMPROW rows[] = {row.data()};
  while (info.output_scanline < info.output_height) jpeg_read_scanlines(&info, rows, 1);
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t bytes = 0;
  double seconds = 0;
  std::vector<unsigned char> row;
  for (int i = 1; i < argc; ++i) {
    std::ifstream stream(argv[i], std::ios::binary);
    const std::vector<unsigned char> file((std::istreambuf_iterator<char>(stream)), {});
    if (file.empty()) {
      std::fprintf(stderr, "bench_pictures_decode: cannot read %s\n", argv[i]);
      return 1;
    }
    const double began = ProcessSeconds();
    Decode(file, row);
    seconds += ProcessSeconds() - began;
    bytes += file.size();
  }
  std::printf("%llu %.6f\n", static_cast<unsigned long long>(bytes), seconds);
  return 0;
}
