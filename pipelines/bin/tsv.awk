# Tables by the names of their columns: what all awk programs here begin with.
#
#   awk -f tsv.awk -f PROGRAM.awk -- ARGUMENT... TABLE...
#
# Behind the header line of each table column[NAME] is the number of its column NAME: a program reads
# $column["speaker"], and goes by FNR > 1. It sets the variable program to its name, for messages.

BEGIN {
    FS = OFS = "\t"
}

# The next argument, which is no table. For BEGIN.
function argument(  text) {
    text = ARGV[++arguments_taken]
    ARGV[arguments_taken] = ""
    return text
}

# Three ways to end: a table, that at hand unless another is named, is wrong; it lacks a column; the arguments are wrong.
function fail(why, table) {
    print program ": " (table == "" ? FILENAME : table) ": " why > "/dev/stderr"
    exit exit_status = 3
}

function need(name) {
    if (!(name in column))
        fail("no column '" name "'")
}

function usage(arguments) {
    print "usage: awk -f tsv.awk -f " program ".awk -- " arguments > "/dev/stderr"
    exit exit_status = 2
}

# Characters of UTF-8 text: in the C locale length and printf count bytes, of which those that go on with a character
# are left out here.
function characters(text) {
    gsub(/[\200-\277]/, "", text)
    return length(text)
}

# So many blanks; none for a negative number.
function blanks(n) {
    return n > 0 ? sprintf("%*s", n, "") : ""
}

# text with blanks behind it, so that it has at least n characters.
function padded(text, n) {
    return text blanks(n - characters(text))
}

# What nobody has said of a recording.
function is_unknown(value) {
    return value == "" || value == "-"
}

# A text as part of a file's name that make and the shell read as one plain word: bytes other than letters, digits and
# _ . - become + and two hexadecimal digits. An unknown speaker is + alone.
function file_word(text,  word, i, c) {
    if (is_unknown(text))
        return "+"
    if (text ~ /^[A-Za-z0-9_.][A-Za-z0-9_.-]*$/)
        return text
    if (!("a" in code_of))
        for (i = 1; i < 256; i++)
            code_of[sprintf("%c", i)] = i
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        word = word (c ~ /[A-Za-z0-9_.]/ || (c == "-" && i > 1) ? c : sprintf("+%02X", code_of[c]))
    }
    return word
}

function name_columns(  i) {
    split("", column)
    for (i = 1; i <= NF; i++)
        column[$i] = i
}

FNR == 1 {
    name_columns()
}

# An END of the program does not run when it has failed.
END {
    if (exit_status)
        exit exit_status
}
