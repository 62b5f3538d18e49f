#!/usr/bin/env bats
# Every manual page: its options are those of --help, its examples run, its markup is sound.
load helper

# What --help and a page say of the options: "-o --output" or "--values", one a line, sorted.
help_options() {
    "$1" --help | sed -nE 's/^  (-.),( --[a-zA-Z0-9-]+).*/\1\2/p; s/^      (--[a-zA-Z0-9-]+).*/\1/p' | sort
}

page_options() {
    sed -nE '/^\.It Fl/{
        s/.* Fl -([a-zA-Z0-9-]+).*/ --\1\n&/
        s/(.*)\n\.It Fl ([^- ]).*/-\2\1/
        s/\n.*//
        s/^ //
        p
    }' "$1" | sort
}

# The commands of a page's EXAMPLES: the lines of its indented literal displays.
examples() {
    sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$1" |
        sed -n '/^\.Bd -literal -offset indent/,/^\.Ed/p' |
        sed -E '/^\.(Bd|Ed)/d; s/^\\&//; s/\\e/\\/g; s/\\-/-/g'
}

# each CHECK: runs it with a page's path and the tool's name; fails after the last page, not the first.
each() {
    local page tool bad=0 seen=0
    for page in "$ROOT"/tools/*.1; do
        tool=$(basename "$page" .1)
        "$1" "$page" "$tool" || {
            echo "$tool: $1 failed"
            bad=1
        }
        seen=$((seen + 1))
    done
    [ "$seen" -gt 0 ] && [ "$bad" = 0 ]
}

@test "every tool has a manual page" {
    for tool in "$ROOT"/tools/ser-*; do
        [ -f "${tool%.*}.1" ] || fail "no page: $tool"
    done
}

same_options() {
    help_options "$2" >help.txt
    page_options "$1" >page.txt
    [ -s help.txt ] && diff help.txt page.txt
}

@test "the options of --help are those of the manual, both ways" {
    each same_options
}

short_help() {
    "$2" --help >help.txt
    [ "$(wc -l <help.txt)" -le 52 ] || { echo "more than 52 lines" && return 1; }
    ! grep -nE '.{81}' help.txt
}

@test "--help fits a terminal" {
    each short_help
}

prints_version() {
    [ "$("$2" --version)" = "$2 (ser) $(sed -n 's/^#define SER_VERSION "\(.*\)"/\1/p' "$ROOT/lib/core/core.h")" ]
}

@test "--version names the tool and the version" {
    each prints_version
}

has_sections() {
    local section
    for section in NAME SYNOPSIS DESCRIPTION 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
        grep -qx ".Sh $section" "$1" || { echo "no section $section" && return 1; }
    done
    grep -qx ".Nm $2" "$1"
}

@test "every page has its sections" {
    each has_sections
}

runs_examples() {
    local folder=$BATS_TEST_TMPDIR/example-$2
    mkdir -p "$folder"
    examples "$1" >"$folder.sh"
    [ -s "$folder.sh" ] || { echo "no example" && return 1; }
    # A tiny one stands for the encoder that a reader has.
    ! grep -q whisper-base "$folder.sh" || "$ROOT/tests/make-encoder" "$folder/whisper-base"
    (cd "$folder" && bash -eu -o pipefail "$folder.sh" >"$folder.out" 2>&1 </dev/null) || {
        cat "$folder.out"
        return 1
    }
}

@test "the examples run" {
    each runs_examples
}

@test "ser(7): the way from own recordings to a score runs as it stands" {
    mkdir "$BATS_TEST_TMPDIR/example-ser"
    # The pipelines lie here, as in the sources.
    ln -s "$ROOT/pipelines" "$ROOT/manifests" "$BATS_TEST_TMPDIR/example-ser"
    runs_examples "$ROOT/tools/ser.7" ser
}

@test "mandoc finds no fault in any page" {
    if ! command -v mandoc >/dev/null; then
        echo "# left out: mandoc is not installed" >&3
        return
    fi
    for page in "$ROOT"/tools/*.[17] "$ROOT"/lib/*/*.5; do
        mandoc -T lint -W warning "$page"
    done
}
