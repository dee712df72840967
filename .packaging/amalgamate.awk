# Joins headers of the library, and what they include of it, to one.
# Usage: awk -v include=DIR -f amalgamate.awk cloudflare/HEADER.hpp...
function put(header,    path, line) {
    if (header in seen) return
    seen[header] = 1
    path = include "/" header
    while ((getline line < path) > 0) {
        if (line ~ /^#pragma once/) continue
        if (line ~ /^#include <cloudflare\//) {
            gsub(/^#include <|>.*$/, "", line)
            put(line)
        } else {
            print line
        }
        ++lines
    }
    if (lines == 0) {
        print "cannot read " path >"/dev/stderr"
        exit 1
    }
    close(path)
}
BEGIN {
    print "// cloudflare-access in one header, made by its build. SPDX-License-Identifier: BSL-1.0"
    print "// What stands in it: " ARGV[1]
    for (i = 2; i < ARGC; ++i) print "// " ARGV[i]
    print "#pragma once"
    print "#ifdef CLOUDFLARE_SEPARATE_COMPILATION"
    print "#error \"the single header is not for separate compilation\""
    print "#endif"
    for (i = 1; i < ARGC; ++i) put(ARGV[i])
    exit 0
}
