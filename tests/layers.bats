#!/usr/bin/env bats
# Folders are walls: who may know whom, as every #include and every object says.
load helper

# folder | folders of lib/ it may include | headers from outside it may include, besides those of the C library
table() {
    cat <<'END'
core        | core                             | xxhash.h
math        | math                             | soxr.h fftw3.h
nn          | nn nn/layers nn/kernels math     | signal.h pthread.h
nn/layers   | nn nn/layers nn/kernels math     |
nn/encoder  | nn nn/encoder nn/kernels math    | sys/mman.h
nn/kernels  | nn nn/layers nn/kernels math     | immintrin.h oneapi/dnnl/dnnl.h omp.h
bridge      | bridge core math nn              | sndfile.h sox.h xxhash.h jansson.h setjmp.h wchar.h
tools       | bridge core math nn              | xxhash.h zlib.h locale.h termios.h wchar.h
END
}

# Headers of the C library and the system; the second line: those that arrays in, arrays out have no use for.
libc='assert ctype endian errno float inttypes limits math sched stdarg stdatomic stddef stdint stdio stdlib string strings time'
system='dirent fcntl fnmatch getopt malloc poll pthread regex signal spawn sys unistd'

# walls TREE: a line for each include of lib/ and tools/ that breaks the table
walls() {
    (cd "$1" && grep -HoE '^#[[:space:]]*include[[:space:]]+["<][^">]+[">]' lib/*/*.[ch] lib/nn/*/*.[ch] tools/*.[ch]) |
        sed -E 's/^([^:]*):#[[:space:]]*include[[:space:]]*/\1 /' | awk -v libc="$libc" -v system_="$system" '
        function add(list, key,   word, n, i) {
            n = split(list, word, " ")
            for (i = 1; i <= n; i++) may[key, word[i]] = 1
        }
        BEGIN {
            add(libc, "libc")
            add(system_, "system")
        }
        NR == FNR {
            split($0, column, "|")
            gsub(/ /, "", column[1])
            known[column[1]] = 1
            add(column[2], column[1])
            add(column[3], column[1])
            next
        }
        {
            folder = $1
            sub(/\/[^\/]*$/, "", folder)
            sub(/^lib\//, "", folder)
            name = substr($2, 2, length($2) - 2)
            from = base = name
            sub(/\/?[^\/]*$/, "", from)
            sub(/[.\/].*/, "", base)
            pure = folder ~ /^(math|nn)/
            if (!(folder in known))
                print $1 ": the table has no folder " folder
            else if ($2 ~ /^"/ ? (folder, from) in may : (folder, name) in may || ("libc", base) in may)
                next
            else if ($2 ~ /^</ && ("system", base) in may) {
                if (pure) print $1 ": " folder " is pure, and has no use for " name
            } else
                print $1 ": " folder " may not know " name
        }' <(table) -
}

# undefined FOLDER PATTERN: "object symbol" for what the objects of lib/FOLDER take from elsewhere
undefined() {
    local source
    find "$ROOT/lib/$1" -name '*.c' | sort | while read -r source; do
        source=${source#"$ROOT/"}
        nm -u "$BUILD/obj/${source%.c}.o" | awk -v pattern="^($2)(@.*)?\$" -v source="$source" '$NF ~ pattern {print source, $NF}'
    done
}

# Ends a process, prints, opens, asks the clock or the environment; also as the compiler's checked variants.
impure='_?exit|_Exit|abort|quick_exit|die|die_error|must|warn|emalloc|ecalloc|erealloc|estrdup|eprintf_alloc|ser_usage|(__)?v?f?printf(_chk)?|puts|putchar|putc|fputs|fputc|fwrite|perror|fopen(64)?|open(at)?(64)?|__open(64)?_2|socket|popen|system|fork|execv.*|read|pread(64)?|write|getenv|setenv|time|clock_gettime|gettimeofday|rand|srand|random'
ending='exit|_Exit|abort|quick_exit|die|die_error|must|emalloc|ecalloc|erealloc|estrdup|eprintf_alloc|ser_usage'

@test "every include keeps to the table" {
    table | sed 's/^/# /' >&3
    run walls "$ROOT"
    assert_success
    assert_output ""
}

@test "a line that breaks a rule is found, for each rule" {
    mkdir -p tree/lib/{core,math,bridge,nn/layers,nn/encoder,nn/kernels} tree/tools
    for folder in core math bridge nn nn/layers nn/encoder nn/kernels; do echo '#include <stdlib.h>' >"tree/lib/$folder/a.c"; done
    echo '#include "core/opt.h"' >tree/tools/ser-a.c
    assert_equal "$(walls tree)" ""
    # breaks FILE INCLUDE MESSAGE
    breaks() {
        cp "tree/$1" kept
        echo "#include $2" >>"tree/$1"
        assert_equal "$(walls tree)" "$1: $3"
        mv kept "tree/$1"
    }
    breaks lib/core/a.c '"math/rng.h"' 'core may not know math/rng.h'
    breaks lib/core/a.c '"nn/nn.h"' 'core may not know nn/nn.h'
    breaks lib/core/a.c '"bridge/model.h"' 'core may not know bridge/model.h'
    breaks lib/core/a.c '<sndfile.h>' 'core may not know sndfile.h'
    breaks lib/math/a.c '"core/core.h"' 'math may not know core/core.h'
    breaks lib/math/a.c '"nn/nn.h"' 'math may not know nn/nn.h'
    breaks lib/math/a.c '<unistd.h>' 'math is pure, and has no use for unistd.h'
    breaks lib/math/a.c '<xxhash.h>' 'math may not know xxhash.h'
    breaks lib/nn/a.c '"core/core.h"' 'nn may not know core/core.h'
    breaks lib/nn/a.c '<immintrin.h>' 'nn may not know immintrin.h'
    breaks lib/nn/layers/a.c '"bridge/model.h"' 'nn/layers may not know bridge/model.h'
    breaks lib/nn/layers/a.c '<oneapi/dnnl/dnnl.h>' 'nn/layers may not know oneapi/dnnl/dnnl.h'
    breaks lib/nn/encoder/a.c '"nn/layers/table.h"' 'nn/encoder may not know nn/layers/table.h'
    breaks lib/nn/encoder/a.c '<jansson.h>' 'nn/encoder may not know jansson.h'
    breaks lib/nn/kernels/a.c '"core/core.h"' 'nn/kernels may not know core/core.h'
    breaks lib/nn/kernels/a.c '<fcntl.h>' 'nn/kernels is pure, and has no use for fcntl.h'
    breaks lib/bridge/a.c '"tools/ser-a.h"' 'bridge may not know tools/ser-a.h'
    breaks lib/bridge/a.c '<fftw3.h>' 'bridge may not know fftw3.h'
    breaks tools/ser-a.c '"ser-b.h"' 'tools may not know ser-b.h'
    breaks tools/ser-a.c '<sndfile.h>' 'tools may not know sndfile.h'
}

@test "maths and networks: no object ends a process, prints, opens, or asks the clock" {
    assert_equal "$(undefined math "$impure")" ""
    assert_equal "$(undefined nn "$impure")" ""
    # The pattern is one that finds: core.c has both, and opt.c ends processes.
    undefined core "$impure" | grep -q 'core.c exit' || fail "nothing is found in core.c"
}

@test "only what core.h and opt.h offer to tools ends a process" {
    assert_equal "$(undefined bridge "$ending")" ""
    assert_equal "$(undefined core "$ending" | grep -vE '^lib/core/(core|opt)\.c ')" ""
}
