# Memory does not grow with the corpus: what streams through a tool is not kept.
load helper

# peak TIMES INPUT OUTPUT COMMAND...: kilobytes of memory that COMMAND takes at most, @ being TIMES
peak() {
    local n=$1 request answer
    request=$(printf '\t%s' "${@:2}")
    answer=$("$BUILD/bench/launch" <<<"1${request//@/$n}") || fail "${*:2}"
    echo $((${answer#* } / 1024))
}

# flat COMMAND...: as peak without TIMES: 600 recordings, or seconds, take as much as 30
flat() {
    local few many
    few=$(peak 30 "$@")
    many=$(peak 600 "$@")
    echo "# ${*:3}: $few and $many kB"
    ((few > 1000 && many < few + 1500)) || fail "${*:3}: grows from $few to $many kB"
}

@test "thirty recordings and six hundred take the same memory" {
    if grep -q -e __asan_init "$(command -v ser-mfcc)"; then
        echo '# left out: sanitizers keep what was freed' >&3
        return 0
    fi
    cd "$BATS_TEST_TMPDIR"
    local n
    sox -R -n -r 22050 -b 16 a.wav synth 1 pinknoise
    for n in 30 600; do
        awk -v n=$n -v OFS='\t' 'BEGIN { print "id", "path", "emotion", "speaker"
            for (i = 1; i <= n; i++) print i, "a.wav", i % 2 ? "happy" : "sad", "s" i }' >$n.tsv
    done
    flat /dev/null @.audio ser-augment -q -j 1 --any-part --keep --noise 0.1 @.tsv
    flat /dev/null @.pitch ser-augment -q -j 1 --any-part --pitch 2:2 @.tsv
    flat /dev/null @.sert ser-mfcc -q -j 1 --frames 24 -m @.tsv
    flat @.audio /dev/null ser-mfcc -q -j 1 --frames 24
    for n in 30 600; do sox -R -n -r 8000 -b 16 -t raw $n.raw synth $n pinknoise; done
    flat @.raw /dev/null ser-mfcc -q --every 0.5 --rate 8000 --frames 24 --raw s16le:8000:1
    "$ROOT/tests/make-encoder" tiny
    flat @.raw /dev/null ser-embed -q -j 1 --every 1 --raw s16le:8000:1 tiny
    for n in 30 600; do
        mkfifo $n.flac
        sox -r 8000 -b 16 -c 1 -e signed $n.raw -t flac - >$n.flac &
    done
    flat @.flac /dev/null ser-mfcc -q --every 0.5 --rate 8000 --frames 24
    printf '%s\n' 'maxpool 8x8' 'reshape 3x5' mean 'dense classes' >small.net
    sox -R -n -r 22050 -b 16 b.wav synth 1 brownnoise
    printf 'id\tpath\temotion\tspeaker\nx\tb.wav\thappy\tx\ny\tb.wav\tsad\ty\n' | ser-mfcc -q --frames 24 -m - -o val.sert
    ser-train -q --net small.net --val val.sert -o m.bin --epochs 1 --threads 1 30.sert
    flat @.sert /dev/null ser-score -q --threads 1 m.bin
    flat @.sert /dev/null ser-tensor ls
    flat @.sert /dev/null ser-tensor check
    flat @.audio /dev/null ser-tensor cat
    flat @.sert /dev/null ser-cmp @.sert -
}
