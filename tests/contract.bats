# shellcheck disable=SC2034 # contract.bash reads what is set here
# What is the same of every tool, whatever is done to its input, its output and its surroundings.
# bats file_tags=slow
load helper
load contract

setup_file() {
    load helper
    load contract
    export MADE=$BATS_FILE_TMPDIR/made
    local name tool command status tried=0 output
    mkdir "$MADE" && cd "$MADE" || return 1
    make_inputs
    keep() {
        attempt "$input" out
        [ "$status" = 0 ] || fail "$name: $(cat stderr)"
        if has_output; then mv out "expected.$name"; else mv stdout "expected.$name"; fi
    }
    set +o functrace # Bats watches every command of a function, which takes longer than the commands
    rows keep
    ser-tensor cat -o other test.sert train.sert
    rm -f stdout stderr
}

# Each test has a folder with the inputs, and one for temporaries.
setup() {
    mkdir "$BATS_TEST_TMPDIR/work" "$BATS_TEST_TMPDIR/tmp"
    cd "$BATS_TEST_TMPDIR/work" || return 1
    cp -r "$MADE"/* .
    rm -f expected.* other
    export TMPDIR=$BATS_TEST_TMPDIR/tmp
    WRONG=$BATS_TEST_TMPDIR/wrong
    tried=0
    ulimit -t 60
    set +o functrace
}

# device NAME MINOR: a memory device of our own: a tool that replaces what it should write through would replace the
# system's.
device() {
    if [ -w /dev ]; then
        mknod "$1" c 1 "$2"
        chmod 666 "$1"
    else
        ln -s "/dev/$1" "$1"
    fi
}

# locales: 1 and a remark where they cannot be made
locales() {
    local language
    mkdir -p "$MADE/locale"
    for language in de_DE tr_TR; do
        localedef -i $language -f UTF-8 "$MADE/locale/$language.UTF-8" >log 2>&1 || [ -d "$MADE/locale/$language.UTF-8" ] || {
            echo "# left out: other locales; localedef or the package locales is not there" >&3
            return 1
        }
    done
}

@test "damage: streams, models and checkpoints: cut, a bit turned, something behind them" {
    skip="${alike/ check / } npz" rows check_damage features audio model checkpoint statistics
    settle
}

@test "damage: tables, predictions, networks, arrays, archives, sound" {
    rows check_damage table predictions net array archive sound
    settle
}

@test "options: help, version, and what is none" {
    device full 7
    for tool in "${tools[@]}"; do
        name=$tool check_options
    done
    settle
}

@test "standard streams: closed, full, no terminal" {
    device full 7
    skip=$alike rows check_streams
    settle
}

@test "locales: German and Turkish change no byte" {
    locales || return 0
    skip=$alike rows check_locale
    settle
}

@test "names: whatever bytes they have" {
    mkdir named made
    skip=$alike rows check_names
    settle
}

@test "names: as long as the system takes, and longer" {
    deep_1600=$(deep 1600) deep_4095=$(deep 4095)
    skip="$alike wave report" rows check_long_names
    settle
}

@test "places: loops, folders, nowhere, read-only" {
    plain=()
    [ "$(id -u)" != 0 ] || plain=(setpriv --bounding-set=-all --inh-caps=-all) # root, but without root's rights
    ln -s loop loop
    ln -s target dangling
    mkdir folder readonly
    chmod 555 readonly
    skip=$alike rows check_places
    settle
}

@test "one file as input and output" {
    rows check_same
    check_outputs
    settle
}

@test "folds with gaps are told in a few lines" {
    check_gaps
    settle
}

@test "two writers of one file" {
    skip=report rows check_writers
    settle
}

@test "limits: descriptors and sizes of files" {
    export ASAN_OPTIONS=detect_leaks=0 # looking for leaks takes files and a process of its own
    skip=$alike rows check_files
    settle
}

@test "limits: memory" {
    if is_instrumented; then
        echo "# left out: a limit of memory; sanitizers and what counts the lines take their own" >&3
        return 0
    fi
    rows check_memory
    settle
}

# Root has no such limit: another user works then, in a folder that is everybody's.
@test "limits: processes" {
    export ASAN_OPTIONS=detect_leaks=0
    another=()
    folder=$(mktemp -d /tmp/ser-test-XXXXXX)
    mkdir "$folder/bin" && mkdir -m 777 "$folder/tmp"
    chmod 777 "$folder"
    cp -r ./* "$folder"
    cp "$(dirname "$(command -v ser-cmp)")"/ser-* "$folder/bin" # may lie where nobody else may look
    cd "$folder" || return 1
    [ "$(id -u)" != 0 ] || another=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    if PATH=$folder/bin:$PATH "${another[@]}" bash -c 'ser-cmp --version' >/dev/null; then
        PATH=$folder/bin:$PATH TMPDIR=$folder/tmp rows check_processes
    else
        echo "# left out: a limit of processes; another user cannot run the tools here" >&3
        tried=1
    fi
    cd / && rm -r "$folder"
    settle
}

@test "inputs of 1 TB" {
    truncate -s 1T huge 2>/dev/null || {
        echo "# left out: inputs of 1 TB; the file system has no such files" >&3
        return 0
    }
    skip=$alike rows check_holes
    rm study/split/notebook/seed.1/predictions.tsv
    truncate -s 1T study/split/notebook/seed.1/predictions.tsv
    name=report about=study tool=ser-report output=out
    run_words timeout 15 ser-report -o out study
    verdict 3 predictions.tsv
    settle
}
