# SPDX-License-Identifier: MIT
# Converts the section of one version in CHANGELOG.md to an entry of debian/changelog, without the
# signature line.
#
#     awk -v version=0.1.0 -f changelog.awk CHANGELOG.md

function wrapped(text,    n, i, words, line) {
    n = split(text, words, " ")
    line = "  *"
    for (i = 1; i <= n; i++) {
        if (length(line) + length(words[i]) >= 79) {
            print line
            line = "   "
        }
        line = line " " words[i]
    }
    print line
}
function flush() {
    if (item)
        wrapped(item)
    item = ""
}
BEGIN { print "libharden (" version ") unstable; urgency=medium\n" }
/^#+ +\[?[0-9]/ {
    flush()
    inside = $2 == version || $2 == "[" version "]"
    next
}
!inside { next }
/^- / { flush(); item = substr($0, 3); found = 1; next }
/^ +[^ ]/ && item { item = item " " $0; next }
{ flush() }
END {
    flush()
    if (!found) {
        print "CHANGELOG.md: no section for " version >"/dev/stderr"
        exit 1
    }
}
