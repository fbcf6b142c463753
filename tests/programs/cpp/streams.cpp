// iostreams, string streams, a stream buffer of our own over a file (this libc++ has no fstream), manipulators, strings.
#include <algorithm>
#include <cstdio>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

struct Money {
    long cents;
};
static std::ostream &operator<<(std::ostream &out, const Money &m) {
    const auto fill = out.fill('0');
    out << m.cents / 100 << '.' << std::setw(2) << m.cents % 100;
    out.fill(fill);
    return out;
}
static std::istream &operator>>(std::istream &in, Money &m) {
    long whole = 0, part = 0;
    char point = 0;
    if (in >> whole >> point >> part && point == '.')
        m.cents = whole * 100 + part;
    else
        in.setstate(std::ios::failbit);
    return in;
}

class FileBuffer : public std::streambuf {
  public:
    FileBuffer(const char *path, const char *mode) : file_(std::fopen(path, mode)) { setg(input_, input_, input_); }
    ~FileBuffer() override {
        if (file_)
            std::fclose(file_);
    }
    bool is_open() const { return file_ != nullptr; }

  protected:
    int_type underflow() override {
        std::size_t length = file_ ? std::fread(input_, 1, sizeof input_, file_) : 0;
        setg(input_, input_, input_ + length);
        return length ? traits_type::to_int_type(input_[0]) : traits_type::eof();
    }
    int_type overflow(int_type c) override { return std::fputc(c, file_); }
    int sync() override { return std::fflush(file_); }
    pos_type seekoff(off_type by, std::ios::seekdir, std::ios::openmode) override {
        std::fseek(file_, static_cast<long>(by), SEEK_SET);
        setg(input_, input_, input_);
        return by;
    }

  private:
    std::FILE *file_;
    char input_[16];
};

int main() {
    std::ios::sync_with_stdio(false);
    std::cout << "formats: " << 42 << ' ' << std::hex << std::showbase << 255 << ' ' << std::oct << 8 << std::dec << ' '
              << std::setw(8) << std::setfill('*') << 77 << ' ' << std::left << std::setw(6) << 5 << std::right << std::setfill(' ')
              << ' ' << std::boolalpha << true << ' ' << std::showpos << 3 << std::noshowpos << '\n';
    std::cout << std::fixed << std::setprecision(3) << 3.14159 << ' ' << std::scientific << 12345.678 << ' ' << std::defaultfloat
              << 0.1 << ' ' << std::setprecision(17) << 0.1 << ' ' << std::hexfloat << 1.5 << std::defaultfloat << '\n';
    std::cout << Money{12305} << ' ' << std::numeric_limits<long long>::min() << ' ' << static_cast<const void *>(nullptr) << '\n';

    std::string line;
    std::vector<std::string> lines;
    while (std::getline(std::cin, line))
        lines.push_back(line);
    std::sort(lines.begin(), lines.end(), [](const auto &a, const auto &b) { return a.size() < b.size() || (a.size() == b.size() && a < b); });
    std::copy(lines.begin(), lines.end(), std::ostream_iterator<std::string>(std::cout, "|"));
    std::cout << '\n';

    std::istringstream words("12 -7 3.5 4.75 word 99");
    int a = 0, b = 0;
    double c = 0;
    Money money{};
    std::string word;
    words >> a >> b >> c >> money >> word;
    std::cout << a << ' ' << b << ' ' << c << ' ' << money << ' ' << word << ' ' << words.good() << '\n';
    int bad = 5;
    std::istringstream wrong("xyz");
    wrong >> bad;
    std::cout << bad << ' ' << wrong.fail() << ' ' << wrong.eof() << '\n';

    {
        FileBuffer buffer("/data/table.txt", "w");
        std::ostream file(&buffer);
        for (int i = 1; i <= 5; i++)
            file << std::setw(3) << i << std::setw(6) << i * i * i << '\n';
        file << std::flush;
    }
    FileBuffer buffer("/data/table.txt", "r");
    std::istream file(&buffer);
    int sum = 0;
    for (int n = 0, cube = 0; file >> n >> cube;)
        sum += cube;
    std::cout << "sum " << sum << ' ' << file.eof() << '\n';
    FileBuffer given("/data/given.txt", "r+");
    std::iostream both(&given);
    given.pubseekoff(6, std::ios::beg);
    both >> word;
    given.pubseekoff(0, std::ios::beg);
    both << "HELLO" << std::flush;
    FileBuffer absent("/data/absent.txt", "r");
    std::cout << word << ' ' << absent.is_open() << '\n';

    std::string text = "the end of the beginning of the end";
    for (std::size_t at = 0; (at = text.find("the", at)) != std::string::npos; at += 3)
        text.replace(at, 3, "THE");
    text.insert(0, 3, '>').append(" etc.").erase(text.rfind("of"), 3);
    std::cout << text << ' ' << text.compare("zzz") / std::max(1, std::abs(text.compare("zzz"))) << '\n';
    std::cout << std::stoi("-123") + std::stoll("10000000000") << ' ' << std::stod("2.5e3") << ' ' << std::to_string(1.0 / 3) << '\n';
    std::cerr << "to standard error\n";
    std::wostringstream wide;
    wide << L"wide " << 12;
    std::cout << wide.str().size() << std::endl;
    return 0;
}
