#!/usr/bin/env bats
# Tensor streams: the format's law, ser-tensor and ser-cmp, and what every tool does with options,
# input and output.
load helper

STREAMS=$ROOT/tests/tensor

# npy FILE DESCR SHAPE: a NumPy array of the bytes of standard input
npy() {
    printf '\223NUMPY\1\0\166\0' >"$1"
    printf '%-117s\n' "{'descr': '$2', 'fortran_order': False, 'shape': $3, }" >>"$1"
    cat >>"$1"
}

# Three records: a and b are i16 of 2 x 3, c is a scalar of f64, 0.5.
streams() {
    printf '\1\0\2\0\3\0\4\0\5\0\6\0' | npy a.npy '<i2' '(2, 3)'
    printf '\7\0\10\0\11\0\12\0\13\0\14\0' | npy b.npy '<i2' '(2, 3)'
    printf '\0\0\0\0\0\0\340\077' | npy c.npy '<f8' '()'
    ser-tensor from-npy a.npy b.npy -o ab.sert
    ser-tensor from-npy c.npy -o c.sert
    cat ab.sert c.sert >abc.sert
}

# device NAME MINOR: NAME becomes a memory device of our own. Root's mistakes must not hit those of
# the system: a tool that replaces what it should write through would replace them.
device() {
    if [ -w /dev ]; then
        mknod "$1" c 1 "$2"
        chmod 666 "$1"
    else
        ln -s "/dev/$1" "$1"
    fi
}

no_leftovers() {
    [ -z "$(find . -name '.ser-*')" ] || fail "left behind: $(find . -name '.ser-*')"
}

# ---- the law ----

@test "the committed streams are what their program makes" {
    mkdir passed failed
    "${CC:-cc}" -o make "$STREAMS/make.c" -lxxhash
    ./make .
    diff -r passed "$STREAMS/passed"
    diff -r failed "$STREAMS/failed"
}

@test "every stream in passed/ is read, from a file and from a pipe, and written again" {
    seen=0
    for file in "$STREAMS"/passed/*; do
        name=$(basename "$file" .sert)
        run --separate-stderr ser-tensor check "$file"
        [ "$status" = 0 ] && [ -z "$stderr" ] || fail "$name: $status, $stderr"
        run -0 ser-tensor check < <(cat "$file")
        seen=$((seen + 1))
        if [ "$name" = concatenated-mixed ]; then continue; fi
        ser-tensor cat "$file" | ser-cmp "$file" -
    done
    [ "$seen" -ge 25 ]
}

@test "every stream in failed/ is refused with 3, its name, and no output" {
    seen=0
    for file in "$STREAMS"/failed/*; do
        fails 3 "^ser-tensor: $file: .*[a-z]" ser-tensor check "$file"
        # shellcheck disable=SC2154 # run sets it
        [ "${#stderr_lines[@]}" = 1 ] || fail "$file: $stderr"
        fails 3 "^ser-tensor: <stdin>: " ser-tensor check < <(cat "$file")
        fails 3 "" ser-tensor cat "$file" -o out.sert
        [ ! -e out.sert ] || fail "$file: an output appeared"
        fails 3 "^ser-cmp: " ser-cmp "$file" "$STREAMS/passed/smallest.sert"
        seen=$((seen + 1))
    done
    [ "$seen" -ge 90 ]
    no_leftovers
}

@test "the manual's hex dump is the smallest stream" {
    sed -n '/dump begins/,/dump ends/p' "$ROOT/lib/core/ser-tensor.5" | sed '/^\./d; s/\\e/\\/g' >page.txt
    xxd -g 1 "$STREAMS/passed/smallest.sert" >dump.txt
    diff page.txt dump.txt
    [ "$(wc -l <page.txt)" = 8 ]
}

@test "the manual's filter compiles and works" {
    sed -n '/filter begins/,/filter ends/p' "$ROOT/lib/core/ser-tensor.5" | sed '/^\./d; s/\\e/\\/g' >double.c
    "${CC:-cc}" -Wall -Wextra -Werror -o double double.c -lxxhash
    for name in one-record concatenated dimension-empty rank-8 key-utf-8; do
        ./double <"$STREAMS/passed/$name.sert" >out.sert
        ser-tensor check out.sert
        diff <(ser-tensor ls "$STREAMS/passed/$name.sert") <(ser-tensor ls out.sert)
    done
    ./double <"$STREAMS/passed/one-record.sert" | ser-tensor text >out.txt
    printf 'a  [\n  2 4 6 \n  8 10 12 ]\n' | diff - out.txt
    for name in bad-magic version-2 checksum-record padding-payload no-end cut-payload count-more \
        trailing-newline nan payload-at-cap-but-absent dims-overflow empty; do
        run ./double <"$STREAMS/failed/$name.sert"
        [ "$status" = 3 ] || fail "$name: $status"
    done
}

# ---- ser-tensor ----

@test "what a shell appends to is not replaced by way of /dev/stdout" {
    streams
    echo before >log
    ser-tensor ls -o /dev/stdout ab.sert >>log
    assert_equal "$(head -n 1 log)" before
    same <(tail -n +2 log) <(ser-tensor ls ab.sert)
}

@test "ls: a row a record, attributes, chosen columns, headers" {
    ser-tensor ls "$STREAMS/passed/one-record.sert" "$STREAMS/passed/rank-0.sert" >out.tsv
    printf 'key\ttype\tshape\tattributes\na\tf32\t2x3\temotion=angry\nrank-0\tf32\tscalar\t\n' | diff - out.tsv
    ser-tensor ls -c emotion,speaker "$STREAMS/passed/one-record.sert" >out.tsv
    printf 'key\ttype\tshape\temotion\tspeaker\na\tf32\t2x3\tangry\t-\n' | diff - out.tsv
    ser-tensor ls --header "$STREAMS/passed/concatenated-mixed.sert" "$STREAMS/passed/smallest.sert" >out.txt
    printf 'feat.rate_hz=1\nkind=features\n\nkind=model\n\nkind=audio\n' | diff - out.txt
}

@test "ls: rows come as records come" {
    streams
    mkfifo pipe
    ser-tensor ls <pipe >out.tsv &
    lister=$!
    exec 7>pipe
    head -c 300 ab.sert >&7 # the header, the record a, and part of b
    for _ in $(seq 100); do
        if grep -q '^a' out.tsv; then break; fi
        sleep 0.05
    done
    grep -q '^a' out.tsv
    run ! grep -q '^b' out.tsv
    exec 7>&-
    code=0
    wait "$lister" || code=$?
    [ "$code" = 3 ]
}

@test "cat: joins what agrees, refuses what does not" {
    streams
    cat ab.sert c.sert | ser-tensor cat -o joined.sert
    [ "$(ser-tensor check joined.sert)" = "joined.sert: features, 1 stream, 3 records, $(stat -c %s joined.sert) bytes" ]
    ser-tensor cat ab.sert c.sert | cmp - joined.sert
    ser-cmp joined.sert abc.sert
    fails 3 'kind is model, but features in the first stream' \
        ser-tensor cat "$STREAMS/passed/concatenated-mixed.sert" -o out.sert
    ser-tensor from-npy --set feat.rate_hz=1 a.npy -o rate.sert
    fails 3 'rate.sert: feat.rate_hz is 1, but unset in the first' ser-tensor cat ab.sert rate.sert -o out.sert
    fails 3 'rate_hz is unset, but 1 in the first' ser-tensor head rate.sert ab.sert -o out.sert
    [ ! -e out.sert ]
    no_leftovers
}

@test "cat, head: choose records" {
    streams
    [ "$(ser-tensor cat --key b abc.sert | ser-tensor ls | cut -f 1 | paste -sd ' ')" = 'key b' ]
    [ "$(ser-tensor cat --match '[ac]' abc.sert | ser-tensor ls | cut -f 1 | paste -sd ' ')" = 'key a c' ]
    [ "$(ser-tensor head -n 2 abc.sert | ser-tensor ls | cut -f 1 | paste -sd ' ')" = 'key a b' ]
    [ "$(ser-tensor head -n 0 abc.sert | ser-tensor check)" = '<stdin>: features, 1 stream, 0 records, 128 bytes' ]
    [ "$(ser-tensor head -n 0 -k b abc.sert | ser-tensor check)" = '<stdin>: features, 1 stream, 0 records, 128 bytes' ]
    [ "$(ser-tensor head -n 9 abc.sert | ser-tensor ls | wc -l)" = 4 ]
    # what comes after the wanted records is not looked at
    { cat ab.sert && echo junk; } | ser-tensor head -n 2 | ser-cmp - ab.sert
    fails 1 "^ser-tensor: abc.sert: no record has the key 'z'" ser-tensor cat --key z abc.sert
    fails 1 "^ser-tensor: <stdin>: no record has the key 'z'" ser-tensor cat --key z <abc.sert
    fails 1 "^ser-tensor: ab.sert and the other files: no record" ser-tensor cat --key z ab.sert abc.sert
    fails 1 "no record has a key that matches 'z\\*'" ser-tensor npy --match 'z*' abc.sert
    fails 1 "no record" ser-tensor npz --key z abc.sert -o out
    fails 1 "no record" ser-tensor ark --key z abc.sert -o out
    [ ! -e out ]
    no_leftovers
}

@test "from-npy and npy: back come the bytes" {
    streams
    for name in a b c; do
        ser-tensor from-npy $name.npy | ser-tensor npy -o back.npy
        same $name.npy back.npy
    done
    ser-tensor npy ab.sert -o stack.npy
    { tail -c 12 a.npy && tail -c 12 b.npy; } | npy want.npy '<i2' '(2, 2, 3)'
    same stack.npy want.npy
    fails 3 'abc.sert: record 3 \(c\): is f64 scalar, but the first record is i16 2x3' ser-tensor npy abc.sert -o out
    fails 3 'holds no record' ser-tensor npy "$STREAMS/passed/smallest.sert" -o out
    [ ! -e out ]
}

@test "from-npy: shapes as NumPy reads them" {
    streams
    # Python 2 wrote an L behind long numbers.
    for shape in '(2L, 3L)' '(2L,3,)' '( 2 , 3 )'; do
        tail -c 12 a.npy | npy l.npy '<i2' "$shape"
        ser-tensor from-npy --key a l.npy | ser-tensor npy | same - a.npy
    done
    for shape in '(6L,)' '(6,)' '(6 , )'; do
        tail -c 12 a.npy | npy l.npy '<i2' "$shape"
        assert_equal "$(ser-tensor from-npy l.npy | ser-tensor ls | tail -1 | cut -f 1-3)" "$(printf 'l\ti16\t6')"
    done
    for shape in '(6)' '(6L)' '(L,)' '(6LL,)' '(6 L,)' '(,)' '(2, 3' '(2 3)' '6'; do
        tail -c 12 a.npy | npy l.npy '<i2' "$shape"
        fails 3 "l.npy: the array's head is damaged" ser-tensor from-npy l.npy
    done
}

@test "from-npy: keys, kinds, recipes" {
    streams
    mkdir folder
    cp a.npy folder/with.dots.npy
    cp a.npy plain
    [ "$(ser-tensor from-npy folder/with.dots.npy plain - <a.npy | ser-tensor ls | cut -f 1 | paste -sd ' ')" = \
        'key with.dots plain stdin' ]
    ser-tensor from-npy --kind audio --set feat.rate_hz=8000,note=x --key mine a.npy -o audio.sert
    printf 'feat.rate_hz=8000\nkind=audio\nnote=x\n' | diff - <(ser-tensor ls -H audio.sert)
    ser-tensor ls audio.sert | grep -q '^mine'
    diff <(ser-tensor from-npy --like audio.sert b.npy | ser-tensor ls -H) <(ser-tensor ls -H audio.sert)
    fails 2 '--key names one array, not 2' ser-tensor from-npy --key k a.npy b.npy
    fails 2 "--set: 'A' is not NAME=VALUE" ser-tensor from-npy --set A=b a.npy
    fails 2 "--kind: 'music' is none of" ser-tensor from-npy --kind music a.npy
    cp a.npy "$(printf 'a\nb.npy')"
    fails 2 'its name cannot be a key' ser-tensor from-npy "$(printf 'a\nb.npy')"
    printf '\0\0\300\177' | npy nan.npy '<f4' '()'
    fails 3 'nan.npy: element 0 is infinite or not a number' ser-tensor from-npy nan.npy
    fails 3 'a.npy: not a tensor stream' ser-tensor ls -H a.npy
    fails 3 'ab.sert: not a NumPy array' ser-tensor from-npy ab.sert
}

@test "npz: features stacked, with ids, labels and speakers" {
    ser-tensor cat "$STREAMS/passed/one-record.sert" "$STREAMS/passed/key-utf-8.sert" -o two.sert
    ser-tensor npz two.sert -o two.npz
    unzip -tq two.npz
    [ "$(unzip -Z1 two.npz | paste -sd ' ')" = 'features.npy ids.npy labels.npy speakers.npy' ]
    unzip -p two.npz features.npy >features.npy
    ser-tensor npy two.sert -o want.npy
    same features.npy want.npy
    printf '%b' 'a\0\0\0n\0\0\0g\0\0\0r\0\0\0y\0\0\0-\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' |
        npy want.npy '<U5' '(2,)'
    unzip -p two.npz labels.npy >labels.npy
    same labels.npy want.npy
    unzip -p two.npz ids.npy | tail -c 56 >ids # the second key: code points, not bytes
    printf '\351\0\0\0t\0\0\0\351\0\0\0 \0\0\0\037a\0\0 \0\0\0\0\366\1\0#\0\0\0p\0\0\0i\0\0\0t\0\0\0c\0\0\0h\0\0\0.\0\0\0001\0\0\0' |
        tail -c 56 >want
    same ids want
    ser-tensor npz "$STREAMS/passed/one-record.sert" -o one.npz
    unzip -p one.npz features.npy | head -c 128 | grep -aq "'shape': (1, 2, 3)"
}

@test "npz: other shapes and kinds have an array a key" {
    streams
    ser-tensor npz abc.sert -o abc.npz
    [ "$(unzip -Z1 abc.npz | paste -sd ' ')" = 'a.npy b.npy c.npy ids.npy labels.npy speakers.npy' ]
    unzip -p abc.npz b.npy | cmp - b.npy
    ser-tensor from-npy --kind model a.npy b.npy | ser-tensor npz -o model.npz
    [ "$(unzip -Z1 model.npz | paste -sd ' ')" = 'a.npy b.npy' ]
    fails 3 "two arrays of the archive would be named 'a'" ser-tensor npz abc.sert ab.sert -o out
    cp a.npy ids.npy
    ser-tensor from-npy ids.npy c.npy -o ids.sert
    fails 3 "would be named 'ids'" ser-tensor npz ids.sert -o out
    [ ! -e out ]
    no_leftovers
}

@test "ark: Kaldi's binary matrices and vectors" {
    streams
    printf '\0\0\200\77\0\0\0\300' | npy v.npy '<f4' '(2,)'
    printf '\0\0\0\0\0\0\340\077' | npy d.npy '<f8' '(1, 1)'
    ser-tensor from-npy a.npy v.npy d.npy | ser-tensor ark -o out.ark
    {
        printf 'a \0BFM \4\2\0\0\0\4\3\0\0\0'
        printf '\0\0\200\77\0\0\0\100\0\0\100\100\0\0\200\100\0\0\240\100\0\0\300\100'
        printf 'v \0BFV \4\2\0\0\0\0\0\200\77\0\0\0\300'
        printf 'd \0BDM \4\1\0\0\0\4\1\0\0\0\0\0\0\0\0\0\340\077'
    } >want.ark
    same out.ark want.ark
    ser-tensor ark --transpose --key a ab.sert -o out.ark
    {
        printf 'a \0BFM \4\3\0\0\0\4\2\0\0\0'
        printf '\0\0\200\77\0\0\200\100\0\0\0\100\0\0\240\100\0\0\100\100\0\0\300\100'
    } >want.ark
    same out.ark want.ark
    fails 3 'record 1 \(c\): a Kaldi archive holds' ser-tensor ark c.sert -o out
    fails 3 'its key holds a space' ser-tensor ark "$STREAMS/passed/key-utf-8.sert" -o out
}

@test "npz and ark: the bytes that NumPy and Kaldi's description make of the same streams" {
    golden=$ROOT/tests/golden/interchange
    ser-tensor npz "$golden/same.sert" -o same.npz
    unzip -tq same.npz
    for name in features ids labels speakers; do
        unzip -p same.npz $name.npy >$name.npy
        same $name.npy "$golden/$name.npy"
    done
    ser-tensor ark --transpose "$golden/mixed.sert" -o mixed.ark
    same mixed.ark "$golden/mixed.ark"
    # Streams one after the other make the same archives as one stream of all records.
    for key in utt-1 $'\303\251t\303\251.2' third; do ser-tensor cat --key "$key" "$golden/same.sert"; done |
        ser-tensor npz -o apart.npz
    same apart.npz same.npz
    ser-tensor from-npy --key features features.npy | ser-tensor npy | cmp - "$golden/features.npy"
}

@test "text: all digits, transposed on demand" {
    streams
    printf '\315\314\314\75\0\0\200\277' | npy f.npy '<f4' '(2,)'
    printf '\232\231\231\231\231\231\271\77' | npy g.npy '<f8' '()'
    ser-tensor from-npy a.npy f.npy g.npy | ser-tensor text >out.txt
    printf 'a  [\n  1 2 3 \n  4 5 6 ]\nf  [ 0.100000001 -1 ]\ng  [ 0.10000000000000001 ]\n' | diff - out.txt
    ser-tensor text -T --key a ab.sert >out.txt
    printf 'a  [\n  1 4 \n  2 5 \n  3 6 ]\n' | diff - out.txt
    printf 'dimension-empty  [ ]\n' | diff - <(ser-tensor text "$STREAMS/passed/dimension-empty.sert")
    fails 3 'only a record with two dimensions can be transposed' ser-tensor text -T c.sert
}

@test "check: goes on after a bad file, and says the worst" {
    run --separate-stderr ser-tensor check "$STREAMS/failed/nan.sert" "$STREAMS/passed/concatenated.sert"
    [ "$status" = 3 ]
    [ "$output" = "$STREAMS/passed/concatenated.sert: features, 2 streams, 2 records, 512 bytes" ]
    run ser-tensor check "$STREAMS/failed/nan.sert" missing.sert
    [ "$status" = 4 ]
    [ "${#lines[@]}" = 2 ]
}

# ---- ser-cmp ----

@test "ser-cmp: values within a tolerance" {
    printf '\0\0\200\77\0\0\200\100' | npy x.npy '<f4' '(2,)' # 1 4
    printf '\0\0\200\77\0\0\220\100' | npy y.npy '<f4' '(2,)' # 1 4.5
    ser-tensor from-npy --key k x.npy -o x.sert
    ser-tensor from-npy --key k y.npy -o y.sert
    run -0 ser-cmp x.sert x.sert
    [ -z "$output" ]
    run -1 ser-cmp x.sert y.sert
    [ "${lines[0]}" = 'record 1 (k)[1]: 4 in A, 4.5 in B' ]
    [ "${lines[1]}" = 'values: 2 compared, 1 out of tolerance; worst difference 0.5 absolute, 0.111111111 relative, at record 1 (k)[1]' ]
    ser-cmp --atol 0.5 x.sert y.sert
    run -1 ser-cmp --atol 0.4999 x.sert y.sert
    ser-cmp --rtol 0.1112 x.sert y.sert
    run -1 ser-cmp --rtol 0.1111 x.sert y.sert
    run -1 ser-cmp --rtol 0.1112 y.sert x.sert # relative to the second: 0.125
    ser-cmp --rtol 0.1 --atol 0.05 x.sert y.sert
    run -1 ser-cmp -q x.sert y.sert
    [ -z "$output" ]
    run -0 ser-cmp -v x.sert - <x.sert
    [ "$output" = 'values: 2 compared, 0 out of tolerance; worst difference 0 absolute, 0 relative' ]
}

@test "ser-cmp: keys, types, attributes, shapes, headers, lengths" {
    streams
    printf '\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5\0\0\0\6\0\0\0' | npy wide.npy '<i4' '(2, 3)'
    printf '\1\0\2\0\3\0\4\0\5\0\6\0' | npy tall.npy '<i2' '(3, 2)'
    ser-tensor from-npy a.npy -o a.sert
    ser-tensor from-npy --key a wide.npy -o wide.sert
    ser-tensor from-npy --key a tall.npy -o tall.sert
    ser-tensor from-npy --key other a.npy -o other.sert
    ser-tensor from-npy --set feat.hop=512 a.npy -o hop.sert
    ser-tensor from-npy --kind audio a.npy -o audio.sert
    first() {
        run -1 ser-cmp "${@:2}"
        [ "${lines[0]}" = "$1" ] || fail "$output"
    }
    first 'record 1 (a): type i16 in A, i32 in B' a.sert wide.sert
    first 'record 1 (a): shape 2x3 in A, 3x2 in B' a.sert tall.sert
    first 'record 1 (a): key a in A, other in B' a.sert other.sert
    first 'header: feat.hop is unset in A, 512 in B' a.sert hop.sert
    first 'header: kind is features in A, audio in B' a.sert audio.sert
    first 'a.sert ends after record 1' a.sert ab.sert
    first 'a.sert ends after record 1' ab.sert a.sert
    first 'record 1 (a): emotion is angry in A, unset in B' "$STREAMS/passed/one-record.sert" \
        <(ser-tensor npy "$STREAMS/passed/one-record.sert" | ser-tensor from-npy --key a)
    for other in wide other hop audio; do
        ser-cmp --values a.sert $other.sert
    done
    first 'record 1 (a): shape 2x3 in A, 3x2 in B' --values a.sert tall.sert
    first 'a.sert ends after record 1' --values a.sert ab.sert
    ser-tensor cat ab.sert c.sert | ser-cmp - abc.sert
}

@test "ser-cmp: trouble outweighs difference" {
    streams
    { cat abc.sert && echo junk; } >junk.sert
    fails 3 'junk.sert: after record 3' ser-cmp -q junk.sert ab.sert
    fails 3 '<stdin>: empty input' ser-cmp ab.sert - </dev/null
    fails 4 'missing.sert: cannot open' ser-cmp missing.sert ab.sert
    fails 2 'exactly two streams are needed, not 1' ser-cmp ab.sert
    fails 2 'exactly two streams are needed, not 3' ser-cmp a b c
    fails 2 'only one input can be standard input, not 2' ser-cmp - -
    fails 2 'only one input can be standard input, not 2' ser-tensor cat - ab.sert -
    fails 2 'only one input can be standard input, not 2' ser-tensor from-npy --like -
}

# ---- options ----

@test "options: errors name the option and its range" {
    fails 2 "unknown option '-x'" ser-cmp -x
    fails 2 "unknown option '-x'" ser-cmp --quiet -qx a b
    fails 2 "option '--nothing'" ser-cmp --nothing
    fails 2 "option '--quiet=3'" ser-cmp --quiet=3 a b
    fails 2 "option '--help=3'" ser-cmp --help=3
    fails 2 "option '--v'" ser-cmp --v a b # values, verbose or version
    fails 2 "option '--atol' needs a value" ser-cmp --atol
    fails 2 "option '-a' needs a value" ser-cmp -a
    fails 2 "--atol: '-1' is not a number from 0 to 1e\+300" ser-cmp --atol -1 a b
    fails 2 "--rtol: 'nan' is not a number" ser-cmp -r nan a b
    fails 2 "--rtol: '' is not a number" ser-cmp --rtol= a b
    fails 2 "--records: '1.5' is not a whole number from 0 to" ser-tensor head -n 1.5
    fails 2 "--records: '-1' is not a whole number from 0 to" ser-tensor head -n-1
    fails 2 "--kind: 'audio\|features' is none of" ser-tensor from-npy --kind 'audio|features' a.npy
    fails 2 "usage: ser-cmp \[OPTION...\] A B" ser-cmp
    fails 2 "a command is needed: ls cat" ser-tensor
    fails 2 "'dog' is no command; there are: ls cat" ser-tensor dog
    fails 2 "the command check has no option --key" ser-tensor check --key a
    fails 2 "the command ls has no option --records" ser-tensor ls -n 3
    fails 2 "the command head has no option --transpose" ser-tensor head -T
}

@test "options: anywhere, abbreviated, joined, ended by --" {
    streams
    cp ab.sert ./-n
    ser-tensor ls ab.sert --colu emotion >out.tsv
    [ "$(head -n 1 out.tsv)" = "$(printf 'key\ttype\tshape\temotion')" ]
    ser-tensor head -n1 --output=one.sert ab.sert
    [ "$(ser-tensor ls one.sert | wc -l)" = 2 ]
    ser-cmp -qv -- -n ab.sert
}

@test "--help and --version notice a full disk" {
    for tool in ser-tensor ser-cmp; do
        run bash -c "$tool --help >/dev/full"
        [ "$status" = 4 ]
        run bash -c "$tool --version >/dev/full"
        [ "$status" = 4 ]
    done
}

# ---- output ----

@test "output: appears whole or not at all" {
    streams
    cp ab.sert keep.sert
    fails 3 '' ser-tensor cat "$STREAMS/failed/no-end.sert" -o keep.sert
    same ab.sert keep.sert
    fails 4 'none/out.sert: cannot write: No such file' ser-tensor cat ab.sert -o none/out.sert
    fails 4 'ab.sert/out: cannot write: Not a directory' ser-tensor cat c.sert -o ab.sert/out
    mkdir folder
    fails 4 'folder: cannot write: is a folder' ser-tensor cat ab.sert -o folder
    chmod a-w folder
    if [ -w folder ]; then place=/proc/self/out; else place=folder/out; fi # root writes anywhere
    fails 4 "$place: cannot write: " ser-tensor cat ab.sert -o "$place"
    fails 2 'name of the output file is empty' ser-tensor cat ab.sert -o ''
    no_leftovers
}

@test "output: never over its own input; through links, to what is no file" {
    streams
    cp ab.sert same.sert
    fails 2 "'./same.sert' would be written over the input 'same.sert'" ser-tensor cat same.sert -o ./same.sert
    same same.sert ab.sert
    chmod 600 same.sert
    ln -s same.sert link
    ln -s nowhere.sert dangling
    mkdir folder
    ln -s ../same.sert folder/link
    ser-tensor cat c.sert -o link
    [ -L link ]
    same same.sert c.sert
    [ "$(stat -c %a same.sert)" = 600 ]
    ser-tensor cat ab.sert -o folder/link
    [ -L folder/link ]
    same same.sert ab.sert
    ser-tensor cat ab.sert -o dangling
    [ -L dangling ]
    same nowhere.sert ab.sert
    ln -s loop loop
    fails 4 'loop: cannot write: ' ser-tensor cat ab.sert -o loop

    device null 3
    ser-tensor cat ab.sert -o null
    [ -c null ]
    ser-tensor cat ab.sert -o /dev/stdout | cmp - ab.sert
    ser-tensor cat ab.sert -o - | cmp - ab.sert
    mkfifo pipe
    cat pipe >got.sert &
    ser-tensor cat ab.sert -o pipe
    wait $!
    [ -p pipe ]
    same got.sert ab.sert
    ser-tensor cat ab.sert -o >(cat >got2.sert)
    for _ in $(seq 100); do # bash does not wait for it
        if cmp -s got2.sert ab.sert; then break; fi
        sleep 0.05
    done
    same got2.sert ab.sert
    no_leftovers
}

@test "output: a full disk and a closed pipe are noticed" {
    streams
    device full 7
    for command in ls cat npy npz ark text check; do
        fails 4 'full: cannot write: No space left' ser-tensor $command --output full ab.sert
        run bash -c "ser-tensor $command ab.sert >/dev/full"
        [ "$status" = 4 ] || fail "$command: $status"
        run bash -c "ser-tensor $command ab.sert >&-"
        [ "$status" = 4 ] || fail "$command: $status"
    done
    run bash -c "ser-tensor from-npy a.npy >/dev/full"
    [ "$status" = 4 ]
    run bash -c "ser-cmp ab.sert c.sert >/dev/full"
    [ "$status" = 4 ]
}

@test "input: closed, missing, a folder" {
    streams
    fails 4 '<stdin>: cannot read' bash -c 'ser-tensor check <&-'
    fails 4 'none: cannot open: No such file' ser-tensor check none
    fails 4 'is a folder' ser-tensor check .
    fails 3 'empty input' ser-tensor ls -H </dev/null
    # the output is not mistaken for a closed standard stream
    bash -c 'ser-tensor cat ab.sert -o out.sert <&- >&- 2>&-'
    same out.sert ab.sert
}

@test "output: no tensors on a terminal" {
    streams
    have_terminal || return 0
    for command in cat head npy npz ark; do
        run script -qec "ser-tensor $command ab.sert" /dev/null
        [ "$status" = 2 ] || fail "$command: $status"
        [[ $output == *'will not write binary data to a terminal'* ]] || fail "$output"
    done
    run script -qec 'ser-tensor text ab.sert' /dev/null
    [ "$status" = 0 ]
}

@test "messages: control characters of a name stay harmless" {
    run ser-tensor check "$(printf 'a\033[2J\nb')"
    [ "$output" = 'ser-tensor: a\x1b[2J\x0ab: cannot open: No such file or directory' ]
}
