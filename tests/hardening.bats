# How programs are built, and that what comes from strangers is never taken for a command.
load helper

# Every binary of the build, not the scripts.
binaries() {
    local tool
    for tool in "$BUILD"/ser-*; do
        [ "$(head -c 4 "$tool")" != $'\x7fELF' ] || printf '%s\n' "$tool"
    done
}

@test "binaries: position-independent, read-only after start, no executable stack, checked calls" {
    assert_equal "$(binaries | wc -l)" "$(ls "$ROOT"/tools/*.c | wc -l)"
    binaries | while read -r tool; do
        readelf -W -h -d -l "$tool" >elf
        readelf -W --dyn-syms "$tool" >symbols
        grep -q 'Type: *DYN' elf || fail "$tool: fixed address"
        grep -q 'FLAGS_1.*PIE' elf || fail "$tool: no PIE"
        grep -q 'GNU_RELRO' elf || fail "$tool: no RELRO"
        grep -q 'FLAGS_1.*NOW' elf || fail "$tool: RELRO in part only"
        grep -q 'GNU_STACK.* RW ' elf || fail "$tool: executable stack"
        if grep -q 'LOAD.* RWE ' elf; then fail "$tool: memory to write and to execute"; fi
        if grep -qE 'TEXTREL|RPATH|RUNPATH' elf; then fail "$tool: code or search path that can be changed"; fi
        grep -q __stack_chk_fail symbols || fail "$tool: no stack protector"
        # The Makefile asks for it where it means something: neither with -O0 nor under a sanitizer.
        if grep -q FORTIFY_SOURCE=2 "$BUILD/flags"; then
            grep -q '__[a-z]*printf_chk' symbols || fail "$tool: not fortified"
        fi
    done
}

@test "a program links the libraries that it works with, and starts without the others" {
    needs() { readelf -d "$BUILD/$1" | sed -n 's/.*NEEDED.*\[lib\([a-z0-9]*\)\.so.*/\1/p' | grep -xE "$2" | xargs; }
    assert_equal "$(needs ser-mfcc 'sox|dnnl|gomp|fftw3f|sndfile')" 'sndfile fftw3f'
    assert_equal "$(needs ser-augment 'sox|dnnl|gomp|fftw3f|sndfile')" 'sndfile sox'
    for tool in ser-manifest ser-split ser-tensor ser-cmp ser-eval ser-export ser-view ser-vote; do
        assert_equal "$(needs $tool 'sox|dnnl|gomp|fftw3f')" ''
    done
    for tool in ser-train ser-score; do assert_equal "$(needs $tool 'sox|fftw3f|sndfile|soxr')" ''; done
}

# A name that would like to be a command of the shell, of make, awk or gnuplot, or an option.
hostile='--x=`touch bad`$(touch bad);touch bad|&$(shell touch bad)'\''"<&\'

@test "tables: names stay names from the manifest to the scores" {
    sox -n -r 22050 -b 16 a.wav synth 0.3 sine 440
    sox -n -r 22050 -b 16 b.wav synth 0.3 sine 880
    cp a.wav "./$hostile.wav"
    {
        printf 'id\tpath\tcorpus\tspeaker\tsex\temotion\taudio_hash\n'
        for s in 1 2 3; do
            printf '%s\t%s\t%s\t%s\tmale\t%s\t%s\n' "a$s$hostile" "$hostile.wav" "$hostile" "$hostile$s" "$hostile" "h$s" \
                "b$s$hostile" b.wav "$hostile" "$hostile$s" other "g$s"
        done
    } >m.tsv
    ser-split --leave-out "$hostile"1 m.tsv >s.tsv
    for part in train val test; do
        ser-split --leave-out "$hostile"1 --part $part m.tsv >$part.tsv
        ser-augment -q --keep $part.tsv | ser-mfcc -q --frames 10 >$part.sert
    done
    ser-mfcc -q --frames 10 -- "$hostile.wav" | ser-tensor check
    printf '%s\n' standardize 'maxpool 2x2' 'reshape 20x5' mean 'dense classes' >tiny.net
    ser-train -q --net tiny.net --val val.sert -o "$hostile.bin" --log "$hostile.log" --epochs 1 train.sert
    ser-score -q -- "./$hostile.bin" test.sert >"$hostile.tsv"
    ser-eval --json -- "./$hostile.tsv" >e.json
    ser-eval -- "./$hostile.tsv" >e.txt
    ser-export --onnx -o "$hostile.onnx" -- "$hostile.bin"
    ser-cmp -- "./$hostile.bin" "./$hostile.bin"
    ser-split --certificate s.tsv >certificate.tsv
    grep -qF "speaker.$hostile"1 certificate.tsv
    ser-plot manifest m.tsv >x.svg
    [ ! -e bad ] || fail "something was run"
}

@test "pipelines: a table with a name that make could take for a command is refused" {
    printf 'speaker\tfold\nravdess_01\t1\n%s\t2\n' '$(shell touch bad)' >folds.tsv
    printf 'speaker\nravdess_01\n' >m.tsv
    fails 3 'folds.tsv: row 2: .* is not a speaker' helper testable-folds m.tsv folds.tsv
    printf 'speaker\tfold\nravdess_01\t1\n%s\t2\n' "'; touch bad; '" >folds.tsv
    fails 3 'folds.tsv: row 2: .* is not a speaker' helper testable-folds m.tsv folds.tsv
    printf 'speaker\tfold\nravdess_01\t1\nsavee_DC\t2\n' >folds.tsv
    run -0 helper testable-folds m.tsv folds.tsv
    assert_line 'FOLD = 1'
    # A row of the manifest makes a file of its speaker's name: only where the corpus has that speaker.
    printf 'id\tspeaker\tpart\na\t../../%s\ttrain\n' "$hostile" >s.tsv
    fails 3 'unknown speaker' "$ROOT/pipelines/bin/cut-by-speaker" s.tsv cut ravdess_01
    [ ! -e bad ] || fail "something was run"
}

@test "pipelines: a corpus in a folder and with files of hostile names" {
    "$ROOT/pipelines/bin/generate-speech" -s 3 -u 2 "./$hostile"
    touch "./$hostile/$hostile.wav" "./$hostile/-rf.wav" "./$hostile"/'$(touch bad).wav' "./$hostile"/$'a\nb.wav'
    printf 'speaker\tpart\nravdess_01\ttrain\nravdess_02\tval\nravdess_03\ttest\n' >parts.tsv
    RAVDESS=$hostile make -f "$ROOT/pipelines/ravdess.mk" BUILD="$BUILD" OUT=out PARTS=parts.tsv CHECK= \
        out/split/notebook/train.sert >log 2>&1 || fail "$(cat log)"
    ser-tensor check out/split/notebook/train.sert
    [ ! -e bad ] || fail "something was run"
}

@test "nothing starts a shell, or trusts a server without a certificate" {
    run grep -nE '\b(system|popen|execl|execlp|execle|execv|execvp|posix_spawn)[[:space:]]*\(' "$ROOT"/lib/*/*.c "$ROOT"/lib/nn/*/*.c \
        "$ROOT"/tools/*.c "$ROOT"/tools/*.sh "$ROOT"/pipelines/bin/*
    assert_output ''
    # eval is there for what getopt has quoted.
    run grep -hE '\beval [^-]' "$ROOT"/tools/*.sh "$ROOT"/pipelines/bin/*
    assert_equal "$(printf '%s\n' "$output" | grep -v 'ser-eval' | sort -u | xargs -0)" '    eval "set -- $line" # getopt has quoted every word'
    run grep -nE -e '--insecure|--proxy-insecure|-[a-zA-Z]*k[a-zA-Z]* "?\$url' "$ROOT"/tools/ser-fetch.sh
    assert_output ''
    grep -q -e 'curl=(curl --disable ' "$ROOT"/tools/ser-fetch.sh
}
