#pragma once

// What the fixes of errata 14 and 15 need and C++ does not have: printf into a string, in which a NUL is a byte like
// any other, and the characters of a UTF-8 text.

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

// The text of a format with %d, %s and %.*s.
inline std::string vformatted(const char* format, va_list ap) {
    std::string text;
    for(; *format != '\0'; format++) {
        if(*format != '%')
            text += *format;
        else if(*++format == 'd')
            text += std::to_string(va_arg(ap, int));
        else if(*format == 's')
            text += va_arg(ap, const char*);
        else {
            int length = va_arg(ap, int);
            text.append(va_arg(ap, const char*), length);
            format += 2;
        }
    }
    return text;
}

__attribute__((format(printf, 1, 2)))
inline std::string formatted(const char* format, ...) {
    va_list ap;
    va_start(ap, format);
    std::string text = vformatted(format, ap);
    va_end(ap);
    return text;
}

namespace text {
    // Like vsnprintf, but without a NUL at the end. How many bytes are in the buffer.
    inline size_t vsnprintf(char* buffer, size_t size, const char* format, va_list ap) {
        return vformatted(format, ap).copy(buffer, size - 1);
    }
}

// A character of a UTF-8 text, or a byte that belongs to none.
struct Char {
    std::string bytes;
    unsigned code;
    bool isValid;

    bool isIn(std::initializer_list<std::pair<unsigned, unsigned>> ranges) const {
        for(const auto& range : ranges) {
            if(code >= range.first && code <= range.second)
                return true;
        }
        return false;
    }

    // \n, \u{7f}, \xff
    std::string escapeDebug() const {
        static const std::string named("\0\t\n\r\\", 5), letters = "0tnr\\";
        size_t name = named.find(bytes);
        char text[16];
        if(!isValid)
            snprintf(text, sizeof(text), "\\x%02x", (unsigned char)bytes[0]);
        else if(name != named.npos)
            snprintf(text, sizeof(text), "\\%c", letters[name]);
        else
            snprintf(text, sizeof(text), "\\u{%x}", code);
        return text;
    }
};

// The character at the start of a text, which is not empty.
inline Char firstChar(const std::string& text) {
    static const unsigned smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = text[0];
    Char invalid = {text.substr(0, 1), first, false};
    size_t length = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 0;
    if(length == 0 || length > text.size())
        return invalid;
    unsigned code = length == 1 ? first : first & (0x7f >> length);
    for(size_t i = 1; i < length; i++) {
        if((text[i] & 0xc0) != 0x80)
            return invalid;
        code = code << 6 | (text[i] & 0x3f);
    }
    bool isValid = code >= smallest[length] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return isValid ? Char{text.substr(0, length), code, true} : invalid;
}

inline std::vector<Char> chars(const std::string& text) {
    std::vector<Char> all;
    for(size_t i = 0; i < text.size(); i += all.back().bytes.size()) {
        all.push_back(firstChar(text.substr(i, 4)));
    }
    return all;
}
