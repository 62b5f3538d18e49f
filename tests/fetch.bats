# ser-fetch: from a web server that does everything wrong, a whole corpus or none.
load helper

setup_file() {
    export F no_proxy='*' NO_PROXY='*'
    # Some 50,000 small files come and go: in memory where there is such a folder, since a busy disk
    # would take most of the time of these tests.
    F=$(mktemp -d -p /dev/shm 2>/dev/null) || F=$(mktemp -d)
    mkdir "$F/www" "$F/bin"
    # That the disk is waited for before the folder appears is seen by what this writes.
    printf '#!/bin/sh\necho "$* among $(ls ..)" >"%s/synced"\n' "$F" >"$F/bin/sync"
    chmod +x "$F/bin/sync"
    export PATH=$F/bin:$PATH
    ravdess_list >"$F/list"
    perl "$ROOT/tests/stored-zip.pl" <"$F/list" >"$F/www/speech.zip"
    expect_zip "$F/www/speech.zip" >"$F/ravdess.tsv"
    cremad_clips "$F/www" >"$F/cremad.tsv"
    urdu_files "$F/www" >"$F/urdu.tsv"
    "$ROOT/tests/make-encoder" "$F/www/encoder"
    encoder_table whisper-base config.json preprocessor_config.json model.safetensors >"$F/whisper-base.tsv"
    emodb_list | perl "$ROOT/tests/stored-zip.pl" >"$F/www/emodb.zip"
    printf 'corpus\tfile\tbytes\tmd5\tsource\nemodb\temodb.zip\t-\t-\ta test\n' >"$F/emodb.tsv"
    perl "$ROOT/tests/faulty-server.pl" "$F/www" "$F/port" "$F/log" 3>&- &
    echo $! >"$F/server"
    for _ in {1..200}; do
        [ ! -s "$F/port" ] || return 0
        sleep 0.02
    done
    return 1
}

teardown_file() {
    kill "$(cat "$F/server")"
    rm -rf "$F"
}

setup() {
    mkdir "$F/$BATS_TEST_NUMBER"
    cd "$F/$BATS_TEST_NUMBER" || return 1
}

# The names of RAVDESS' 24 actors, as entries for stored-zip.pl, with a little of what else may be
# in an archive.
ravdess_list() {
    local actor emotion level statement take name
    printf 'f\tREADME.txt\t20000xnothing to hear. \n'
    for actor in {01..24}; do
        printf 'd\tActor_%s/\n' "$actor"
        for emotion in 0{1..8}; do
            for level in 01 02; do
                [ "$emotion$level" != 0102 ] || continue
                for statement in 01 02; do
                    for take in 01 02; do
                        name=03-01-$emotion-$level-$statement-$take-$actor
                        printf 'f\tActor_%s/%s.wav\taudio of %s\n' "$actor" "$name" "$name"
                    done
                done
            done
        done
    done
}

# expect_zip FILE: the table that describes it
expect_zip() {
    printf 'corpus\tfile\tbytes\tmd5\tsource\n'
    printf 'ravdess\t%s\t%s\t%s\ta test\n' "${1##*/}" "$(stat -c %s "$1")" "$(md5sum <"$1" | cut -c 1-32)"
}

# The program's list of the clips of a speaker of CREMA-D.
clips_of() {
    bash -c "$(sed -n '/^clips_of()/,/^}/p' "$ROOT/tools/ser-fetch.sh")"'; clips_of "$1"' clips_of "$1"
}

# cremad_clips FOLDER: the clips of two speakers, and the table that describes them
cremad_clips() {
    local speaker clip
    printf 'speaker\tclips\tbytes\tsha256\n'
    cd "$1" || return 1
    for speaker in cremad_1008 cremad_1076; do
        for clip in $(clips_of $speaker); do echo "audio of $clip, some sixty bytes long" >"$clip"; done
        printf '%s\t%d\t%d\t%s\n' $speaker "$(ls "${speaker#*_}"* | wc -l)" "$(cat "${speaker#*_}"* | wc -c)" \
            "$(sha256sum "${speaker#*_}"* | sha256sum | cut -c 1-64)"
    done
}

# urdu_files FOLDER: ninety recordings in two folders, and the table that describes them
urdu_files() {
    local n name
    printf 'path\tbytes\tsha256\n'
    cd "$1" || return 1
    mkdir Angry Sad
    for n in {10..54}; do
        for name in Angry/SM1_F${n}_A0$n.wav Sad/SF2_F${n}_S0$n.wav; do
            echo "audio of $name" >"$name"
            printf '%s\t%d\t%s\n' "$name" "$(stat -c %s "$name")" "$(sha256sum <"$name" | cut -c 1-64)"
        done
    done
}

# The names of EmoDB's recordings, as many of each speaker as it has, with what lies beside them, for stored-zip.pl.
emodb_list() {
    printf 'd\twav/\nd\tlablaut/\nf\tlablaut/03a01Fa.lablaut\tsounds\nf\terkennung.txt\tlisteners\n'
    awk 'BEGIN { split("a01 a02 a04 a05 a07 b01 b02 b03 b09 b10", sentence, " ") }
        $1 == "count" { for (i = 3; i <= NF; i++) for (n = 0; n < $2; n++)
            printf "f\twav/%s%s%s%c.wav\taudio\n", $i, sentence[1 + n % 10], substr("WLEAFTN", 1 + int(n / 10) % 7, 1), 97 + int(n / 70)
        }' "$ROOT/manifests/emodb.corpus"
}

# encoder_table ENCODER FILE...: what is known of these files
encoder_table() {
    local name
    printf 'encoder\tfile\tbytes\tsha256\n'
    for name in "${@:2}"; do
        printf '%s\t%s\t%d\t%s\n' "$1" "$name" "$(stat -c %s "$F/www/encoder/$name")" "$(sha256sum <"$F/www/encoder/$name" | cut -c 1-64)"
    done
}

# encoder MANNER TABLE ENCODER [ARGUMENT...]: from the server in this manner
encoder() {
    ser-fetch --checksums "$2" --retry-delay 0.01 \
        --url "http://127.0.0.1:$(cat "$F/port")/$1,label=$BATS_TEST_NUMBER/encoder" "${@:3}"
}

# get MANNER CORPUS DIR [OPTION...]: from the server in this manner, at an address of this test's own
get() {
    local address
    address=http://127.0.0.1:$(cat "$F/port")/$1,label=$BATS_TEST_NUMBER
    ser-fetch --checksums "$F/$2.tsv" --retry-delay 0.01 --url "$address" "$2" "$3" "${@:4}"
}

# asked: the requests of this test, one a line: "RANGE STATUS" of the archive, or clip and both
asked() {
    grep "label=$BATS_TEST_NUMBER/" "$F/log" | sed -E 's,.*/(speech\.zip )?,,'
}

# whole DIR: it is RAVDESS, and nothing else is left
whole() {
    (cd "./$1" && grep -r --exclude=ser-source.txt . . | sort) >found
    [ -s "./$1/ser-source.txt" ]
    sed -n 's,^f\t\(Actor.*\)\t,./\1:,p' "$F/list" | sort >wanted
    same found wanted
    [ ! -e "$1.part" ] || fail "$1.part is left"
}

# nothing DIR [NAME...]: neither the folder, nor anything beside it that looks whole
nothing() {
    [ ! -e "$1" ] || fail "$1 is there"
    assert_equal "$(find "$1.part" -type f ! -name lock ! -name '*.part' | sort)" "${2-}"
}

@test "RAVDESS: archive to folders, and a second call downloads nothing" {
    get plain ravdess 'my "data"/$HOME' >out 2>err
    assert_equal "$(cat out)" 'my "data"/$HOME: 24 speakers, 1440 recordings'
    grep -q 'ravdess: licence CC BY-NC-SA' err
    assert_equal "$(cat "$F/synced")" '-f tree among $HOME.part'
    whole 'my "data"/$HOME'
    run -0 get plain ravdess 'my "data"/$HOME'
    assert_equal "$(asked)" "- 200"
}

@test "an empty folder is filled, --keep keeps the archive, --quiet keeps silent" {
    mkdir -- -d
    run get plain ravdess --keep -q -- -d
    assert_success
    assert_output ''
    same "$F/www/speech.zip" ./-d/speech.zip
    rm ./-d/speech.zip
    whole ./-d
}

@test "closed standard streams are no place for files" {
    get cut=150000 ravdess d --quiet <&- >&- 2>&-
    whole d
}

@test "a connection that is cut again and again: every byte is sent once" {
    run get cut=150000 ravdess d --retries 1
    assert_success
    whole d
    assert_equal "$(asked | xargs)" "- 200 150000 206 300000 206 450000 206"
    assert_line --regexp 'speech.zip: .* bytes (remaining to read|missing): trying again in 0.010 s'
}

@test "a cut, and a server that sends whole files only: from the start" {
    run get norange,cut=100000,first=1 ravdess d
    assert_success
    whole d
    run get norange,cut=100000 ravdess e --retries 3
    assert_failure 4
    assert_line --regexp 'gave up after 4 attempts; run again'
    nothing e
}

@test "a stale part is of no use to the server: 416, then from the start" {
    mkdir d.part
    head -c 1000 "$F/list" >d.part/speech.zip.part
    run get status=416,first=1 ravdess d
    assert_success
    whole d
    assert_equal "$(asked | xargs)" "1000 416 - 200"
}

@test "a stale part that the server goes on from: the checksum finds it, then from the start" {
    mkdir d.part
    head -c 1000 "$F/list" >d.part/speech.zip.part
    run get plain ravdess d
    assert_success
    assert_line --regexp 'not the known archive: its MD5 is [0-9a-f]{32}, not [0-9a-f]{32}: trying again from the start'
    whole d
    assert_equal "$(asked | xargs)" "1000 206 - 200"
}

@test "an archive that is there already is used, even one too long is not" {
    mkdir d.part e.part
    cp "$F/www/speech.zip" d.part/
    (cat "$F/www/speech.zip" && echo more) >e.part/speech.zip
    run -0 get plain ravdess d
    whole d
    assert_equal "$(asked)" ""
    run -0 get plain ravdess e
    whole e
    assert_equal "$(asked)" "- 200"
}

@test "404 is final, 500 and 503 are not, 429 is heard" {
    run get status=404 ravdess d
    assert_failure 4
    assert_line --regexp 'speech.zip: The requested URL returned error: 404$'
    nothing d
    run get status=503 ravdess d --retries 2
    assert_failure 4
    assert_line --regexp 'error: 503: gave up after 3 attempts'
    run -0 get status=500,first=3 ravdess d
    whole d
    assert_equal "$(asked | xargs)" "- 404 - 503 - 503 - 503 - 500 - 500 - 500 - 200"
    run -0 get status=429,after=1,first=1 ravdess e
    assert_line --regexp 'error: 429: trying again in 1.000 s'
    whole e
}

@test "waits double" {
    run get status=500 ravdess d --retries 4
    assert_failure 4
    assert_equal "$(grep -o 'again in .*' <<<"$output" | xargs)" \
        "again in 0.010 s again in 0.020 s again in 0.040 s again in 0.080 s"
}

@test "a length that is a lie" {
    run -0 get long=1000 ravdess d
    whole d
    run -0 get short=1000,first=1 ravdess e
    assert_line --regexp 'ended after [0-9]+ of [0-9]+ bytes: trying again'
    whole e
}

@test "more bytes than announced anywhere: stopped, refused, removed" {
    run get endless ravdess d
    assert_failure 3
    assert_line --regexp 'not the known archive: .*; removed$'
    nothing d
    assert_equal "$(find d.part -type f)" d.part/lock
}

@test "a damaged archive is fetched once more; damaged again, it is an error" {
    run -0 get flip=5000,first=1 ravdess d
    whole d
    run get flip=5000 ravdess e
    assert_failure 3
    assert_line --regexp '^ser-fetch: http.*speech.zip: not the known archive: .*: trying again from the start'
    assert_line --regexp '^ser-fetch: http.*speech.zip: not the known archive: .*; removed$'
    nothing e
    assert_equal "$(find e.part -type f)" e.part/lock
}

@test "a server that is slow is waited for" {
    run -0 get slow=0.3 ravdess d
    whole d
}

# curl judges by the speed of the last five seconds.
# bats test_tags=slow
@test "a server that falls silent is left" {
    run -0 get stall=100000,first=1 ravdess d --timeout 1
    whole d
    assert_equal "$(asked | xargs)" "- 200 100000 206"
}

@test "redirects are followed, in circles they are not" {
    run -0 get to=plain ravdess d
    whole d
    run get to=loop ravdess e
    assert_failure 4
    assert_line --regexp 'Maximum \([0-9]+\) redirects followed'
    nothing e
}

@test "plain http only when --url says so, and then with a word" {
    run -0 get plain ravdess d
    assert_line --regexp 'plain http, as --url asks'
    mkdir bin
    printf '#!/bin/bash\nprintf "%%s\\n" "$@" >asked\nprintf "60|000|||no trust\\n"\n' >bin/curl
    chmod +x bin/curl
    PATH=$PWD/bin:$PATH run ser-fetch ravdess e
    assert_failure 4
    assert_output "ser-fetch: https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip: no trust"
    # The settings file is out of play only if this comes first.
    assert_equal "$(sed -n 1p e.part/asked)" --disable
    assert_equal "$(grep -A 1 -e '^--proto' e.part/asked | xargs)" "--proto =https --proto-redir =https"
    assert_equal "$(grep -cE -e '^(-k|--insecure)$' e.part/asked)" 0
}

@test "a server without TLS is not taken for one with" {
    run ser-fetch --retries 0 --url "https://127.0.0.1:$(cat "$F/port")/plain" ravdess d
    assert_failure 4
    nothing d
}

# bad_zip REASON: the archive that is described on standard input is refused for that reason
bad_zip() {
    perl "$ROOT/tests/stored-zip.pl" >www.zip
    mkdir d.part
    cp www.zip d.part/bad.zip
    cp www.zip bad.zip
    expect_zip bad.zip >bad.tsv
    run ser-fetch --checksums bad.tsv --url http://127.0.0.1:1 ravdess d
    assert_failure 3
    assert_line --regexp "^ser-fetch: bad\.zip: $1: refused, nothing was unpacked$"
    nothing d d.part/bad.zip
    rm -r d.part
}

@test "archives that lead elsewhere, ask questions or fill the disk are refused before unpacking" {
    clip=Actor_01/03-01-01-01-01-01-01.wav
    bad_zip '\.\./\.\./evil.wav: would be written outside the folder' <<<$'f\t../../evil.wav\tx'
    bad_zip 'Actor_01/\.\./\.\./evil.wav: would be written outside the folder' <<<$'f\tActor_01/../../evil.wav\tx'
    bad_zip 'Actor_01/\.\.: would be written outside the folder' <<<$'f\tActor_01/..\tx'
    bad_zip "$PWD/evil.wav: would be written outside the folder" <<<$'f\t'"$PWD/evil.wav"$'\tx'
    bad_zip "$clip: neither a file nor a folder" <<<$'l\t'$clip$'\t/etc/passwd'
    bad_zip 'Actor_01: neither a file nor a folder' <<<$'l\tActor_01\t/tmp\nf\t'$clip$'\tx'
    bad_zip "$clip: is encrypted" <<<$'e\t'$clip$'\tx'
    bad_zip "$clip: occurs twice" <<<$'f\t'$clip$'\tx\nf\t'$clip$'\ty'
    bad_zip '.*: has characters .*' <<<$'f\tActor_01\\x5c..\\x5cevil.wav\tx'
    bad_zip '.*: has characters .*' <<<$'f\tActor_01/\\x0aevil.wav\tx'
    bad_zip '.*: has characters .*' <<<$'f\tActor_01/\\x1b[2Jevil.wav\tx'
    bad_zip '.*: more than 4 GB.*' < <(for i in {1..4}; do printf 'f1200000000\tActor_01/%d.wav\tx\n' $i; done)
    assert_equal "$(find . -name '*evil*')" ""
}

@test "an archive that is none, one with a clip too few, one that is damaged inside" {
    head -n 1400 "$F/list" | perl "$ROOT/tests/stored-zip.pl" >few.zip
    cp "$F/list" none.zip
    sed 's/audio of 03-01-05-02-02-02-24/Audio of 03-01-05-02-02-02-24/' "$F/www/speech.zip" >crc.zip
    for zip in none few crc; do
        expect_zip $zip.zip >$zip.tsv
        mkdir $zip.part
        cp $zip.zip $zip.part
        run ser-fetch --checksums $zip.tsv --url http://127.0.0.1:1 ravdess $zip
        assert_failure 3
        [ ! -e $zip ] || fail "$zip is there"
        case $zip in
        none) assert_line 'ser-fetch: none.zip: not an archive that unzip can read' ;;
        few) assert_line --regexp 'not the whole corpus: ravdess_23 has 56 of 60 recordings$' ;;
        crc) assert_line --regexp '^ser-fetch: crc.zip: unzip fails: .*bad CRC' ;;
        esac
    done
}

@test "killed in the middle of a download: the next run goes on; never two at a time" {
    # Away from the group of this test, so that curl can be ended with it, as a lost power supply does.
    setsid bash -c "$(declare -f get); get drip=1000 ravdess d" 2>/dev/null 3>&- &
    group=$!
    for _ in {1..100}; do [ ! -s d.part/speech.zip.part ] && sleep 0.02; done
    run get plain ravdess d
    assert_failure 4
    assert_line --regexp 'd.part: in use by another ser-fetch, or by the curl of one that was killed'
    kill -9 -- -$group
    wait $group || :
    nothing d
    size=$(stat -c %s d.part/speech.zip.part)
    [ "$size" -gt 0 ] && [ "$size" -lt "$(stat -c %s "$F/www/speech.zip")" ]
    run -0 get plain ravdess d
    whole d
    assert_equal "$(asked | xargs)" "- 200 $size 206"
}

@test "killed while unpacking: unpacked again, not downloaded" {
    mkdir bin
    cat >bin/unzip <<END
#!/bin/bash
[[ \$* != *-q* ]] || { mkdir -p tree/Actor_01 && echo half >tree/Actor_01/03-01-01-01-01-01-01.wav && kill -9 0; }
exec $(command -v unzip) "\$@"
END
    chmod +x bin/unzip
    PATH=$PWD/bin:$PATH setsid -w bash -c "$(declare -f get); get plain ravdess d" 2>/dev/null 3>&- || code=$?
    assert_equal "$code" 137
    nothing d "$(printf 'd.part/%s\n' speech.zip tree/Actor_01/03-01-01-01-01-01-01.wav)"
    run -0 get plain ravdess d
    whole d
    assert_equal "$(asked)" "- 200"
}

@test "a full disk: exit 4, nothing that looks whole, and on from there when there is room" {
    if ! unshare -m mount -t tmpfs -o size=64k none "$PWD" 2>/dev/null; then
        echo "# left out: a full disk needs the right to mount one" >&3
        return
    fi
    mkdir small
    for size in 200k 1M; do
        run unshare -m bash -c "$(declare -f get); mount -t tmpfs -o size=$size none small &&
            ! get plain,$size ravdess small/d && [ ! -e small/d ] && ls small/d.part/*.zip* &&
            mount -o remount,size=20M small && get plain,$size ravdess small/d"
        assert_success
        assert_line 'small/d: 24 speakers, 1440 recordings'
        if [ $size = 200k ]; then
            assert_line --regexp '^ser-fetch: .*/small/d.part/speech.zip.part: .*[Ww]rit'
            assert_line small/d.part/speech.zip.part
        else
            assert_line --regexp '^ser-fetch: .*/small/d.part/tree: no space: '
            assert_line small/d.part/speech.zip
        fi
    done
}

@test "a folder that is there and not complete is left alone" {
    mkdir -p d/Actor_01
    echo mine >d/Actor_01/notes
    echo mine >f
    run get plain ravdess d
    assert_failure 3
    assert_output --partial 'ser-fetch: d: exists, but ravdess_01 has 0 of 60 recordings: '
    run get plain ravdess f
    assert_failure 4
    assert_line 'ser-fetch: f: is not a folder'
    run -0 get plain ravdess e
    rm e/Actor_07/03-01-02-01-01-01-07.wav
    run get plain ravdess e
    assert_failure 3
    assert_output --partial 'ravdess_07 has 59 of 60 recordings'
    assert_equal "$(asked)" "- 200"
    assert_equal "$(cat d/Actor_01/notes f | xargs)" "mine mine"
}

@test "CREMA-D: the 7,442 names, and the table of their speakers" {
    tail -n +2 "$ROOT/manifests/cremad-checksums.tsv" | cut -f 1,2 >table
    while read -r speaker clips; do
        clips_of "$speaker" >names
        assert_equal "$(wc -l <names)" "$clips"
        LC_ALL=C sort -c names
        cat names >>all
    done <table
    awk -F '\t' '$1 == "cremad" && $2 != "-" { print $2 "\t" $3 }' "$ROOT/manifests/counts.tsv" | diff - table
    # What `ls AudioWAV | sha256sum` says of commit 1658cd34.
    assert_equal "$(sha256sum <all)" "e4e89082b616fcd23ac32664b25ac44ef8be90e7e5ca429386f75a824aaf2eae  -"
    assert_equal "$(awk '{ n += $3 } END { print n }' "$ROOT/manifests/cremad-checksums.tsv")" 605899936
}

@test "CREMA-D: many files, and a second call downloads nothing" {
    get plain cremad d >out 2>err
    assert_equal "$(cat out)" 'd: 2 speakers, 157 recordings'
    assert_equal "$(grep -vc '^ser-fetch: ' err)" 0
    grep -q 'cremad: licence Open Database License' err
    (cd "$F/www" && sha256sum ./*.wav) >sums
    (cd d && sha256sum --quiet -c ../sums)
    assert_equal "$(find d -name '*.wav' | wc -l)" 157
    same d/ser-source.txt - <<END
corpus: cremad
title: Crowd-sourced Emotional Multimodal Actors Dataset
source: http://127.0.0.1:$(cat "$F/port")/plain,label=$BATS_TEST_NUMBER
checked: the SHA-256 of the recordings of each speaker
licence: Open Database License 1.0, contents Database Contents License 1.0
citation: $(sed -n 's/^citation //p' "$ROOT/manifests/cremad.corpus")
fetched by: $(ser-fetch --version | sed 's/ (ser)//')
END
    [ ! -e d.part ] || fail "d.part is left"
    run -0 get plain cremad d
    assert_equal "$(asked | wc -l)" 157
}

@test "CREMA-D: every file cut, refused or damaged once" {
    run -0 get cut=20,first=1 cremad d
    run -0 get status=503,first=1 cremad e
    refute_line --partial 'a command failed'
    run -0 get flip=3,first=1 cremad f
    assert_line --regexp 'cremad_1008: not the known recordings: .*: trying again from the start'
    for dir in d e f; do
        (cd "$F/www" && sha256sum ./*.wav) | (cd $dir && sha256sum --quiet -c -)
        [ ! -e $dir.part ] || fail "$dir.part is left"
    done
    assert_equal "$(asked | wc -l)" $((6 * 157))
}

@test "CREMA-D: what is wrong for good ends the run and leaves nothing that looks whole" {
    run get flip=3 cremad d
    assert_failure 3
    assert_line --regexp 'cremad_1008: not the known recordings: .*; removed$'
    nothing d
    assert_equal "$(find d.part -type f)" d.part/lock
    run get status=404 cremad e
    assert_failure 4
    assert_line --regexp '/1008_.*_XX.wav: .* 404$'
    nothing e
    run get cut=20 cremad f --retries 2
    assert_failure 4
    assert_line --regexp 'gave up after 3 attempts'
    nothing f
    mkdir "$F/www/lfs"
    for clip in $(clips_of cremad_1008); do echo 'version https://git-lfs.github.com/spec/v1' >"$F/www/lfs/$clip"; done
    run ser-fetch --checksums "$F/cremad.tsv" --url "http://127.0.0.1:$(cat "$F/port")/plain/lfs/" cremad g
    assert_failure 3
    assert_line --regexp 'cremad_1008: Git LFS pointers instead of audio; removed'
}

@test "CREMA-D: what has arrived before a kill is not fetched again" {
    setsid bash -c "$(declare -f get); get slow=0.02 cremad d --jobs 3" 2>/dev/null 3>&- &
    group=$!
    for _ in {1..3000}; do
        [ "$(find d.part -name '*.wav' 2>/dev/null | wc -l)" -lt 20 ] || break
        sleep 0.02
    done
    kill -9 -- -$group
    wait $group || :
    [ ! -e d ]
    here=$(find d.part -name '*.wav' -printf '%f\n' | sort)
    [ "$(wc -l <<<"$here")" -ge 20 ]
    run -0 get plain cremad d
    (cd "$F/www" && sha256sum ./*.wav) | (cd d && sha256sum --quiet -c -)
    assert_equal "$(sed -n "s,^/plain,label=$BATS_TEST_NUMBER/\(.*\) - 200,\1,p" "$F/log" | sort | comm -12 - <(echo "$here"))" ""
}

@test "URDU: files in folders, each with a checksum; what is damaged is fetched again" {
    run -0 get plain urdu d
    assert_line 'd: 2 speakers, 90 recordings'
    assert_line 'ser-fetch: urdu: licence research only'
    assert_line 'ser-fetch: urdu: checked: the SHA-256 of each recording'
    grep -qx 'licence: research only' d/ser-source.txt
    for folder in Angry Sad; do diff -r "$F/www/$folder" d/$folder; done
    assert_equal "$(find d -type f | wc -l)" 91
    run -0 get plain urdu d
    assert_equal "$(asked | wc -l)" 90
    run -0 get flip=3,first=1 urdu e
    assert_line --regexp 'Angry/SM1_F10_A010.wav: not the known recording, nor are 39 others: trying again from the start'
    assert_line --regexp 'Angry/SM1_F50_A050.wav: not the known recording, nor are 9 others: trying again from the start'
    diff -r -x ser-source.txt d e
    run get flip=3 urdu f
    assert_failure 3
    assert_line --regexp 'Angry/SM1_F10_A010.wav: not the known recording, nor are 39 others; removed'
    nothing f
    run get status=404 urdu g
    assert_failure 4
    assert_line --regexp 'Angry/SM1_F10_A010.wav: .* 404$'
    nothing g
    # The table that is shipped is of all of it.
    assert_equal "$(tail -n +2 "$ROOT/manifests/urdu-checksums.tsv" | awk -F'\t' '{ n += $2; bad += length($3) != 64 } END { print NR, n, bad + 0 }')" \
        '400 88102592 0'
    tail -n +2 "$ROOT/manifests/urdu-checksums.tsv" | "$BUILD/unit/name_paths" urdu "$ROOT/manifests/urdu.corpus" >named
    sed -n 's/^count \([0-9]*\) \(.*\)/\1 \2/p' "$ROOT/manifests/urdu.corpus" | awk '{ for (i = 2; i <= NF; i++) print "urdu_" $i, $1 }' | sort >counts
    tail -n +2 "$ROOT/manifests/urdu-checksums.tsv" | sed 's,.*/S,urdu_,; s/_F[0-9]*_[AHNS].*//' | sort | uniq -c | awk '{ print $2, $1 }' | diff - counts
}

@test "EmoDB: an archive of which no checksum is known is counted, and that is told" {
    run -0 get plain emodb d
    assert_line 'd: 10 speakers, 535 recordings'
    assert_line 'ser-fetch: emodb: checked: the number of recordings of each speaker: no checksum is known'
    assert_line --regexp 'only the number of recordings of each speaker: no checksum is known'
    assert_line 'ser-fetch: emodb: licence CC0 1.0'
    assert_equal "$(cd d && echo *)" "ser-source.txt wav"
    grep -qx 'checked: the number of recordings of each speaker: no checksum is known' d/ser-source.txt
    ser-manifest --corpus emodb d 2>err | tail -n +2 | wc -l | same - <(echo 535)
    run -0 get plain emodb d
    assert_equal "$(asked)" "emodb.zip - 200"
    # Cut, it is gone on with; of a server that gives no end, the connection's is one.
    run -0 get cut=20000,first=1 emodb e
    diff -r -x ser-source.txt d e
    run get norange,cut=20000 emodb f --retries 1
    assert_failure 4
    nothing f
    # One that is not the corpus is not kept for the next run; one that somebody has put there is used.
    echo nonsense >"$F/www/bad.zip"
    sed 's/emodb.zip/bad.zip/' "$F/emodb.tsv" >bad.tsv
    run get plain emodb g --checksums bad.tsv
    assert_failure 3
    assert_line --regexp 'bad.zip: not an archive that unzip can read'
    nothing g
    mkdir h.part
    cp "$F/www/emodb.zip" h.part
    run -0 get status=404 emodb h --keep
    cmp h/emodb.zip "$F/www/emodb.zip"
    rm h/wav/03*W*
    run get plain emodb h
    assert_failure 3
    assert_output --partial 'emodb_03 has'
}

@test "the other corpora: how to get them is a no; all are listed" {
    run ser-fetch tess
    assert_failure 1
    assert_line --partial 'Get it:    https://doi.org/10.5683/SP2/E8H2MF'
    assert_line --partial 'Licence:   CC BY-NC-ND 4.0'
    assert_line --partial "ser-manifest --corpus tess --check 'tess_data'"
    run ser-fetch iemocap 'my iemocap'
    assert_failure 1
    assert_line --partial 'only to those who register, sign or pay'
    assert_line --partial "--check 'my iemocap'"
    ser-fetch --list >list.tsv
    diff <(tail -n +2 list.tsv | cut -f 1,4 | LC_ALL=C sort) <(ser-manifest --list | tail -n +2 | cut -f 1,4 | LC_ALL=C sort)
    assert_equal "$(awk -F'\t' '$2 == "fetched" { print $1 }' list.tsv | xargs)" "cremad emodb ravdess urdu"
    awk -F'\t' 'NF != 6 { exit 1 } { for (i = 1; i <= 6; i++) if ($i == "") exit 1 }' list.tsv
    fails 2 'is about all corpora' ser-fetch --list tess
    fails 4 '<stdout>: cannot write' bash -c 'ser-fetch --list >/dev/full'
}

@test "SAVEE: how to get it is a no, its recordings in place are a yes" {
    run ser-fetch savee
    assert_failure 1
    assert_line --regexp '^1. Register: http'
    assert_line --partial "-d 'savee_data'"
    for speaker in DC JE JK KL; do
        mkdir -p in/AudioData/$speaker flat
        for clip in {a,d,f,h,sa,su}{01..15} n{01..30}; do
            : >in/AudioData/$speaker/$clip.wav
            : >flat/${speaker}_$clip.wav
        done
    done
    for dir in in flat; do
        run -0 ser-fetch savee $dir
        assert_output "$dir: 4 speakers, 480 recordings"
    done
    rm flat/JK_su07.wav
    fails 3 'flat: exists, but savee_JK has 119 of 120 recordings.*, or unpack AudioData.zip again' ser-fetch savee flat
}

@test "encoders: where ser-embed looks for them, whole or the encoder alone; a second call downloads nothing" {
    local folder=home/.local/share/ser/encoders/whisper-base
    export HOME=$PWD/home
    unset XDG_DATA_HOME SER_ENCODERS
    sox -R -n -r 16000 -b 16 a.wav synth 0.3 sine 300
    fails 4 "get it with 'ser-fetch whisper-base'" ser-embed whisper-base a.wav
    run --separate-stderr encoder plain "$F/whisper-base.tsv" whisper-base
    assert_success
    assert_output "$PWD/$folder: whisper-base, 0 MB"
    [[ $stderr = *'whisper-base: licence MIT, as OpenAI has it'*'checked: SHA-256 of config.json, SHA-256 of prepr'* ]]
    ser-embed -q whisper-base a.wav >one.sert
    same "$folder/model.safetensors" "$F/www/encoder/model.safetensors"
    assert_equal "$(ls "$folder")" "$(printf '%s\n' config.json model.safetensors preprocessor_config.json ser-source.txt)"
    run -0 sed -E 's/^(SHA-256: )[0-9a-f]{64}/\1SUM/' "$folder/ser-source.txt"
    assert_output - <<END
encoder: whisper-base
source: http://127.0.0.1:$(cat "$F/port")/plain,label=$BATS_TEST_NUMBER/encoder
checked: SHA-256 of config.json, SHA-256 of preprocessor_config.json, SHA-256 of model.safetensors
kept: all
licence: MIT, as OpenAI has it; the model card says Apache 2.0
fetched by: $(ser-fetch --version | sed 's/ (ser)//')
SHA-256: SUM  config.json
SHA-256: SUM  model.safetensors
SHA-256: SUM  preprocessor_config.json
END
    run -0 encoder plain "$F/whisper-base.tsv" whisper-base
    assert_equal "$(asked | wc -l)" 3
    XDG_DATA_HOME=$PWD/data run -0 encoder plain "$F/whisper-base.tsv" -q --encoder-only whisper-base
    assert_output ''
    ser-embed --weights ./"$folder" | same data/ser/encoders/whisper-base/model.safetensors -
    grep -qx 'kept: the encoder alone' data/ser/encoders/whisper-base/ser-source.txt
    XDG_DATA_HOME=$PWD/data ser-embed -q whisper-base a.wav | same one.sert -
    run -0 encoder plain "$F/whisper-base.tsv" whisper-base data/ser/encoders/whisper-base
    assert_equal "$(asked | wc -l)" 6
    # What is there and not what came is left alone.
    echo >>"$folder/config.json"
    fails 3 "$folder: exists, but its files are not those that came: " encoder plain "$F/whisper-base.tsv" whisper-base "$folder"
    fails 3 'data: exists, but ser-fetch did not put it there: ' encoder plain "$F/whisper-base.tsv" whisper-base data
    find . -name '*.part' | (! grep .)
}

@test "encoders: faults, what is not known of their files, licences" {
    local table=$F/whisper-base.tsv
    run -0 encoder cut=30000,first=3 "$table" whisper-base d
    run -0 encoder flip=100,first=1 "$table" whisper-base e
    assert_line --regexp 'config.json: not the known file: its SHA-256 is [0-9a-f]{64}, not [0-9a-f]{64}: trying again'
    for d in d e; do same $d/model.safetensors "$F/www/encoder/model.safetensors"; done
    run encoder flip=100 "$table" whisper-base f
    assert_failure 3
    assert_line --regexp 'config.json: not the known file: its SHA-256 is .*; removed$'
    nothing f
    run encoder status=404 "$table" whisper-base f
    assert_failure 4
    run ser-fetch --checksums "$table" --url "http://127.0.0.1:$(cat "$F/port")/plain/nowhere" whisper-base f
    assert_failure 4
    nothing f
    # Sizes alone, and nothing.
    sed -E '2s/[0-9a-f]{64}/-/; 3s/[0-9]+\t[0-9a-f]{64}/-\t-/' "$table" >some.tsv
    run -0 encoder plain some.tsv whisper-base f
    assert_line 'ser-fetch: whisper-base: checked: size alone of config.json, nothing of preprocessor_config.json, SHA-256 of model.safetensors'
    sed -E '2s/[0-9]+\t[0-9a-f]{64}/12\t-/' "$table" >wrong.tsv
    run encoder plain wrong.tsv whisper-base g
    assert_failure 3
    assert_line --regexp 'config.json: not the known file: it has [0-9]+ bytes, not 12; removed'
    # What is no encoder is not kept as one; nor what stands for a file in a repository.
    mkdir "$F/www/page"
    for name in config.json preprocessor_config.json model.safetensors; do echo '<html>' >"$F/www/page/$name"; done
    sed -E 's/[0-9]+\t[0-9a-f]{64}/-\t-/' "$table" >none.tsv
    run ser-fetch --checksums none.tsv --url "http://127.0.0.1:$(cat "$F/port")/plain/page" --encoder-only whisper-base h
    assert_failure 3
    assert_line --regexp "page: full/config.json: does not begin with '\{'"
    nothing h
    echo 'version https://git-lfs.github.com/spec/v1' >"$F/www/page/config.json"
    sed -E 's/\t[0-9]+\t/\t-\t/' "$table" >sums.tsv
    run ser-fetch --checksums sums.tsv --url "http://127.0.0.1:$(cat "$F/port")/plain/page" --retry-delay 0.01 whisper-base h
    assert_failure 3
    assert_line --regexp 'page/config.json: not the known file: it is a Git LFS pointer; removed$'
    # A licence that forbids commercial use is accepted first.
    local large=wav2vec2-large-robust-12-ft-emotion-msp-dim
    encoder_table $large config.json model.safetensors >large.tsv
    run encoder plain large.tsv $large i
    assert_failure 1
    assert_line --partial 'licence CC BY-NC-SA 4.0'
    assert_line --partial 'its licence forbids commercial use: whoever keeps to it says --accept; nothing was fetched'
    nothing i
    run -0 encoder plain large.tsv --accept $large i
    fails 2 '--encoder-only and --accept are about encoders' ser-fetch --accept ravdess d
    fails 2 '--keep is about the archives' ser-fetch --keep whisper-base d
    fails 3 'large.tsv: has no row for whisper-base' encoder plain large.tsv whisper-base j
}

@test "encoders: the table of those that are known" {
    run -0 --separate-stderr ser-fetch --encoders
    assert_line --regexp $'^whisper-base\t290590909\t-\tfree\tMIT.*\thttps://huggingface.co/openai/whisper-base/tree/e37978b90ca9030d5170a5c07aadb050351a65bb$'
    assert_line --regexp $'^hubert-large\t-\tconfig.json preprocessor_config.json pytorch_model.bin\tfree\t'
    assert_equal "$(awk -F '\t' 'NF != 6' <<<"$output")" ''
    cut -f 1 "$ROOT/manifests/encoder-checksums.tsv" | uniq | diff - <(cut -f 1 "$ROOT/manifests/encoders.tsv")
    fails 2 'about all encoders' ser-fetch --encoders --list
    fails 2 'about all encoders' ser-fetch --encoders whisper-base
    # What is here of a published encoder is what the table says.
    [ -z "${SER_REFERENCE-}" ] || (
        cd "$SER_REFERENCE/encoders/real/whisper-base-encoder"
        awk -F '\t' '$1 == "whisper-base" && $2 ~ /json/ { print $4 "  " $2 }' "$ROOT/manifests/encoder-checksums.tsv" | sha256sum --check --strict
    )
}

@test "tables of checksums: strangers' rows are refused, by line" {
    header=$(printf 'corpus\tfile\tbytes\tmd5\tsource')
    sum=0123456789abcdef0123456789abcdef
    while read -r line row; do
        printf '%s\n%b\n' "$header" "$row" >t.tsv
        fails 3 "t.tsv: line $line: not a row of a table" ser-fetch --checksums t.tsv ravdess d
    done <<END
2 ravdess\t../x.zip\t10\t$sum\ts
2 ravdess\t-x.zip\t10\t$sum\ts
2 ravdess\tx y.zip\t10\t$sum\ts
2 ravdess\tx.zip\t1e9\t$sum\ts
2 ravdess\tx.zip\t0\t$sum\ts
2 ravdess\tx.zip\t10\t${sum}0\ts
2 ravdess\tx.zip\t10\t$sum
3 savee\tx.zip\t10\t$sum\ts\nravdess\tx.zip\t-1\t$sum\ts
END
    printf '%s\nsavee\tx.zip\t10\t%s\ts\n' "$header" $sum >t.tsv
    fails 3 't.tsv: has no row for ravdess' ser-fetch --checksums t.tsv ravdess d
    fails 3 "t.tsv: line 1: not a row of a table" ser-fetch --checksums t.tsv cremad d
    printf 'speaker\tclips\tbytes\tsha256\ncremad_1001\t83\t9\t%s\n' $sum$sum >t.tsv
    fails 3 't.tsv: cremad_1001: has 82 recordings, not 83' ser-fetch --checksums t.tsv cremad d
    : >t.tsv
    fails 3 "t.tsv: line 1: not a row of a table" ser-fetch --checksums t.tsv ravdess d
    fails 4 'nowhere: no such table' ser-fetch --checksums nowhere ravdess d
    fails 4 '/: no such table' ser-fetch --checksums / ravdess d
}

@test "wrong command lines" {
    mkdir empty
    cd empty
    fails 2 'usage: ser-fetch' ser-fetch
    fails 2 'no folder is given' ser-fetch ravdess
    fails 2 "'xyz' is none of the known corpora: ser-fetch --list shows them" ser-fetch xyz d
    fails 2 "'../x' is none of the known corpora" ser-fetch ../x d
    fails 2 'expected exactly one corpus or encoder, and one folder' ser-fetch ravdess d e
    fails 2 'unrecognized option' ser-fetch --wrong ravdess d
    fails 2 "jobs: '0' is not a whole number from 1 to 64" ser-fetch -j0 ravdess d
    fails 2 "retries: '1x'" ser-fetch --retries=1x ravdess d
    fails 2 "retry-delay: '-1'" ser-fetch --retry-delay -1 ravdess d
    fails 2 "timeout: '0'" ser-fetch --timeout 0 ravdess d
    fails 2 "is not an http or https address" ser-fetch --url file:///etc ravdess d
    fails 2 "is not an http or https address" ser-fetch --url $'http://x/"\noutput = "y' ravdess d
    fails 2 'control characters' ser-fetch ravdess $'d\ne'
    fails 4 '<stdout>: cannot write' bash -c 'ser-fetch --help >/dev/full'
    fails 4 '<stdout>: cannot write' bash -c 'ser-fetch --version >&-'
    assert_equal "$(ls -A)" ""
}
