# The contract of every tool, for Bats files: load contract. A row of the table below is one run of one tool.
# A check takes rows, gives them an input, a place for the output or surroundings that are not as they
# should be, and leaves it to one function, verdict, to judge what came of that.

# ---- what the tools work on ----

# make_inputs: in the current folder, smaller than anything real, so that thousands of runs take seconds
make_inputs() {
    local actor part small='--window 64 --hop 64 --bands 8 --coefs 4 --frames 4'
    for actor in 01 02 03; do
        mkdir -p "corpus/Actor_$actor"
        sox -R -n -r 8000 -b 16 "corpus/Actor_$actor/03-01-03-01-01-01-$actor.wav" synth 0.1 sine "2$actor"
        sox -R -n -r 8000 -b 16 "corpus/Actor_$actor/03-01-04-01-01-01-$actor.wav" synth 0.1 pinknoise gain -"$actor"
    done
    sox -R -n -r 8000 -b 16 a.wav synth 0.3 sine 440
    printf 'speaker\tpart\nravdess_01\ttrain\nravdess_02\tval\nravdess_03\ttest\n' >parts.tsv
    printf 'speaker\tfold\nravdess_01\t1\nravdess_02\t2\nravdess_03\t3\n' >folds.tsv
    printf '%s\n' 'scale max' 'conv 2 2x2 relu' batchnorm 'maxpool 2x2' 'dropout 0.1' 'reshape 2x1' 'lstm 2' \
        'attention dot' mean 'dense classes' >tiny.net
    ser-manifest -q --corpus ravdess --no-quarantine corpus >m.tsv
    printf '%s;x\r\n' 'file' corpus/*/*.wav | sed '1s/x/label/' >own.csv
    ser-augment -q --keep m.tsv -o audio.sert
    for part in train val test; do
        ser-split --speakers parts.tsv --part $part m.tsv >$part.tsv
        # shellcheck disable=SC2086
        ser-mfcc -q $small -m $part.tsv -o $part.sert
    done
    ser-split --speakers parts.tsv -o split.tsv m.tsv
    ser-train -q --kernels plain --net tiny.net --val val.sert --epochs 1 --log log.tsv --checkpoint state.bin \
        -o model.bin train.sert
    ser-score -q model.bin test.sert -o p.tsv
    ser-score -q model.bin train.sert -o taught.tsv
    cp p.tsv first.tsv
    awk -F'\t' -v OFS='\t' 'NR == 1 {print $0, "start_s", "end_s", "level_db"} NR > 1 {$1 = "r@" NR; print $0, NR, NR + 3, -20}' p.tsv >w.tsv
    printf '%s\t%s\t%s\t%s\n' id start_s end_s emotion r 0 4 sad r 4 9 happy >truth.tsv
    printf '%s\n' 'lr log 1e-4 1e-2' 'batch choice 16 32' >s.space
    ser-tune draw --trials 3 s.space | awk -F'\t' -v OFS='\t' '
        NR == 1 {print "trial", "rung", "epochs", "space", "seed", "val_loss", "val_accuracy", "val_recall"}
        NR > 1 {print $1, 0, 1, $2, $3, 1, 0.5, 0.5}' >results.tsv
    ser-tensor npy -o x.npy test.sert
    ser-tensor stats --by speaker -o voices.sert test.sert
    ser-tensor ark -T -o x.ark test.sert
    printf '%s\n' 'name;a;b' "'one';1;2" "'two';3;4e0" >x.csv
    "$ROOT/tests/make-encoder" tiny
    mkdir -p study/split/notebook/seed.1
    cp p.tsv study/split/notebook/seed.1/predictions.tsv
    cp model.bin log.tsv study/split/notebook/seed.1
}

# ---- the table ----

# NAME KIND INPUT COMMAND. IN and OUT stand for the input and the output in the command; without OUT, what the run
# makes is its standard output. IN as the last word is an operand.
table() {
    cat <<'END'
manifest    folder      corpus     ser-manifest -q -j 1 --corpus ravdess --no-quarantine --check -o OUT IN
manifest-own table      own.csv    ser-manifest -q --table IN --columns path=file,emotion=label -o OUT
split       table       m.tsv      ser-split --random 40/30/30 -o OUT IN
split-parts table       parts.tsv  ser-split --speakers IN -o OUT m.tsv
split-folds table       folds.tsv  ser-split --folds IN --fold 1 -o OUT m.tsv
make-folds  table       m.tsv      ser-split --make-folds 3 -o OUT IN
certificate table       split.tsv  ser-split --certificate -o OUT IN
augment     table       m.tsv      ser-augment -q -j 1 --keep --noise 0.01 --pitch 1 -o OUT IN
mfcc-table  table       m.tsv      ser-mfcc -q -j 1 --window 64 --hop 64 --bands 8 --coefs 4 --frames 4 -m IN -o OUT
mfcc        audio       audio.sert ser-mfcc -q -j 1 --window 64 --hop 64 --bands 8 --coefs 4 --frames 4 -o OUT <IN
mfcc-sound  sound       a.wav      ser-mfcc -q -j 1 --frames 4 -o OUT IN
mfcc-every  sound       a.wav      ser-mfcc -q --rate 8000 --window 64 --hop 64 --bands 8 --coefs 4 --frames 4 --every 0.1 -o OUT IN
embed-table table       m.tsv      ser-embed -q -j 1 --kernels plain --pool mean -m IN -o OUT tiny
embed       sound       a.wav      ser-embed -q -j 1 --kernels plain --pool mean -o OUT tiny IN
train       features    train.sert ser-train -q -j 1 --net tiny.net --val val.sert --epochs 1 -o OUT IN
train-val   features    val.sert   ser-train -q -j 1 --kernels plain --net tiny.net --val IN --epochs 1 -o OUT train.sert
train-net   net         tiny.net   ser-train -q -j 1 --kernels plain --net IN --val val.sert --epochs 1 -o OUT train.sert
train-soft  predictions taught.tsv ser-train -q -j 1 --kernels plain --net tiny.net --val val.sert --epochs 1 --soft IN -o OUT train.sert
train-state checkpoint  state.bin  ser-train -q -j 1 --kernels plain --net tiny.net --val val.sert --epochs 1 --resume -c IN -o OUT train.sert
score       model       model.bin  ser-score -q -j 1 -o OUT IN test.sert
score-embed features    test.sert  ser-score -q -j 1 --kernels plain --embed -o OUT model.bin IN
score-data  features    test.sert  ser-score -q -j 1 --kernels plain -o OUT model.bin IN
eval        predictions p.tsv      ser-eval --draws 100 -o OUT IN
over-time   table       truth.tsv  ser-eval --draws 100 --over-time IN -o OUT w.tsv
draw        net        s.space    ser-tune draw --trials 3 -o OUT IN
draw-tpe    table      results.tsv ser-tune draw --method tpe --trials 3 --epochs 1 -o OUT s.space IN
judge       table      results.tsv ser-tune judge --trials 3 --epochs 9 --rung 1 -o OUT s.space IN
vote        predictions p.tsv      ser-vote -o OUT first.tsv IN
view        predictions p.tsv      ser-view --smooth 2 --hold -o OUT IN
picture     predictions p.tsv      ser-view --picture 60x12 -o OUT IN
export      model       model.bin  ser-export --onnx -o OUT IN
cmp         features    test.sert  ser-cmp -v test.sert IN
check       features    test.sert  ser-tensor check IN
ls          features    test.sert  ser-tensor ls -o OUT IN
cat         features    test.sert  ser-tensor cat -o OUT IN
head        features    test.sert  ser-tensor head -n 2 -o OUT IN
text        features    test.sert  ser-tensor text -o OUT IN
npy         features    test.sert  ser-tensor npy -o OUT IN
npz         features    test.sert  ser-tensor npz -o OUT IN
ark         features    test.sert  ser-tensor ark -o OUT IN
from-npy    array       x.npy      ser-tensor from-npy --key x -o OUT IN
from-ark    archive     x.ark      ser-tensor from-ark -T -o OUT IN
from-csv    table       x.csv      ser-tensor from-csv -o OUT IN
from-known  table       test.tsv   ser-tensor from-ark -T -m IN -o OUT x.ark
pad         features    test.sert  ser-tensor pad --frames 3 -o OUT IN
stats       features    test.sert  ser-tensor stats --by speaker --recordings 1 -o OUT IN
normalize   features    test.sert  ser-tensor normalize --by speaker --prior voices.sert -o OUT IN
norm-with   statistics  voices.sert ser-tensor normalize --with IN -o OUT test.sert
adapt       statistics  voices.sert ser-tensor normalize --adapt --prior IN -o OUT test.sert
curves      table       log.tsv    ser-plot curves -o OUT IN
confusion   predictions p.tsv      ser-plot confusion -o OUT IN
plot-mfcc   features    test.sert  ser-plot mfcc -o OUT IN
plot-tune   table       results.tsv ser-plot tune -o OUT IN
wave        sound       a.wav      ser-plot wave -o OUT IN
plot-time   predictions w.tsv      ser-plot time -o OUT IN
report      folder      study      ser-report -o OUT IN
listen      sound       a.wav      ser-listen --every 0.1 model.bin <IN
END
}

# shellcheck disable=SC2034 # for those who load this
tools=(ser-augment ser-cmp ser-embed ser-eval ser-export ser-fetch ser-listen ser-manifest ser-mfcc ser-plot ser-report ser-score ser-split
    ser-tensor ser-train ser-tune ser-view ser-vote)

# A script takes fifty times as long as a program.
is_script() {
    [[ $tool = ser-fetch || $tool = ser-listen ]]
}

# rows CHECK [KIND...]: runs CHECK for each row, of these kinds alone when there are any, and without those that
# skip names. It finds the row in name, tool, kind, input and the array command.
skip=''
rows() {
    local check=$1 kinds=" ${*:2} " name tool kind input command
    while read -r name kind input command; do
        if [ $# -gt 1 ] && [[ $kinds != *" $kind "* ]]; then continue; fi
        if [[ " $skip " = *" $name "* ]]; then continue; fi
        read -r -a command <<<"$command"
        tool=${command[0]}
        "$check" </dev/null
    done < <(table)
}

# Rows that are much like others of their tool, for checks to skip in which they are no different.
# shellcheck disable=SC2034
alike="train-val adapt stats check ls head text npy ark confusion plot-mfcc plot-time"

# Rows that read a file by its name.
has_name() {
    [[ " ${command[*]} " = *" IN "* ]]
}

has_output() {
    [[ " ${command[*]} " = *" OUT "* ]]
}

# ---- a run and its verdict ----

# attempt IN OUT [PREFIX...]: runs the row's command, behind the prefix if there is one. Leaves
# status, output (the file, '' if there is none), stdout and stderr.
attempt() {
    local word words=() in=$1 stdin=/dev/null
    output=$2
    shift 2
    for word in "${command[@]}"; do
        case $word in
        IN) words+=("$in") ;;
        "<IN") stdin=$in ;;
        OUT) words+=("$output") ;;
        *) words+=("$word") ;;
        esac
    done
    has_output || output=''
    run_words "$@" "${words[@]}"
}

run_words() {
    status=0
    "$@" <"${stdin:-/dev/null}" >stdout 2>stderr || status=$?
    tried=$((tried + 1))
}

# wrong WHY: noted, and told at the end of the test
wrong() {
    printf '%s: %s: %s; exit %s: %s\n' "$name" "$about" "$1" "$status" "$(tail -n 1 stderr | cut -c 1-300)" >>"$WRONG"
}

# whole FILE: what the row makes of its undisturbed input, or at least what ends as such a thing ends
whole() {
    cmp -s "$1" "$MADE/expected.$name" && return
    case $name in
    augment | mfcc* | embed* | train* | cat | head | pad | from-*) ser-tensor check "$1" >/dev/null 2>&1 ;;
    export | npy | npz | ark) return 1 ;;
    *) [ -s "$1" ] && [ -z "$(tail -c 1 "$1")" ] ;;
    esac
}

# verdict CODES [NAME [REASON]]: how every run has to end, whatever was done to it: with one of CODES and never by a
# signal; with a message of the tool that has NAME and REASON in it, unless the code is 0 or 1; with an output that is
# whole if the run was a success, and otherwise none, or what was there before (old); with no temporary.
verdict() {
    local said
    [[ " $1 " = *" $status "* ]] || wrong "not one of $1"
    read -r -d '' said <stderr || :
    said=$'\n'$said
    if [[ $status != [01] ]]; then
        # A script may leave it to the tool that it called.
        if is_script; then
            [[ $said = *$'\n'ser-*": "?* ]] || wrong "no message"
        else
            [[ $said = *$'\n'"$tool: "?* ]] || wrong "no message"
        fi
        # Control characters come out as \xNN, or as ? from scripts.
        [[ ${said//\\x[01][0-9a-f]/?} = *"${2//[[:cntrl:]]/?}"* ]] || wrong "the message has no '$2'"
        [ $# -lt 3 ] || [[ $said =~ $3 ]] || wrong "the message has no '$3'"
    fi
    if [ -n "$output" ] && [ "$status" = 0 ]; then
        if [ ! -e "$output" ]; then
            wrong "no output"
        elif [ ! -c "$output" ] && ! whole "$output"; then
            wrong "not a whole output"
        fi
    elif [ -n "$output" ] && [ -f "$output" ] && ! { read -r said <"$output" && [ "$said" = old ]; }; then
        wrong "an output all the same"
    fi
    if [ -f "$output" ] && [ ! -L "$output" ]; then rm -f -- "$output"; fi
    no_temporaries
}

no_temporaries() {
    if compgen -G ".ser-*" >/dev/null || compgen -G "$TMPDIR/*" >/dev/null || compgen -G "$TMPDIR/.ser-*" >/dev/null; then
        wrong "a temporary is left: $(ls -Ad .ser-* "$TMPDIR"/.ser-* "$TMPDIR"/* 2>/dev/null)"
        rm -rf .ser-* "${TMPDIR:?}"/* "$TMPDIR"/.ser-*
    fi
}

# settle: fails if anything was wrong; says how much was tried
settle() {
    if [ -s "$WRONG" ]; then
        fail "$(head -n 40 "$WRONG"; wc -l <"$WRONG")"
    fi
    [ "$tried" != 0 ] || fail "nothing was tried"
    echo "# $tried runs" >&3
}

# ---- damage ----

# damage INPUT FOLDER MANY: makes in FOLDER the input's variants: empty, cut-N short of byte N, bit-N with a bit of it
# turned over, at about MANY places, of a stream also at each byte that tells something before the data: of the
# header, of the first record, of the end (see ser-tensor(5)); and with more behind it, or without its end.
damage() {
    perl -e '
        my ($from, $folder, $many) = @ARGV;
        local $/;
        open(my $in, "<:raw", $from) or die "$from: $!";
        my $all = <$in>;
        my $n = length $all;
        sub put {
            open(my $out, ">:raw", "$folder/$_[0]") or die "$_[0]: $!";
            print $out $_[1];
            close $out or die "$_[0]: $!";
        }
        my $record = index($all, "REC\n");
        my $is_stream = substr($all, 1, 3) eq "SER" && $record > 0;
        my @telling = $is_stream ? (0 .. 31, $record - 9 .. $record + 39, $n - 72 .. $n - 63, $n - 9 .. $n - 1) : (0 .. 31);
        my $step = $n > $many ? int($n / $many) : 1;
        my %at = map { $_ => 1 } ($many > 10 ? @telling : ()), map { $_ * $step } 0 .. $n / $step;
        for my $i (grep { $_ < $n } keys %at) {
            put("cut-$i", substr($all, 0, $i)) if $i;
            my $bad = $all;
            vec($bad, 8 * $i + $i % 8, 1) ^= 1;
            put("bit-$i", $bad);
        }
        put("empty", "");
        put("junk", $all . "junk\n");
        put("zeros", $all . "\0" x 64);
        put("text", "what is this?\n" x 100);
        put("binary", pack("C*", map { $_ * $_ % 251 } 7 .. 5000));
        if ($is_stream) {
            put("no-end", substr($all, 0, $n - 64));
            put("two-ends", $all . substr($all, $n - 64));
            put("half-more", $all . substr($all, 0, 100));
        }
    ' "$1" "$2" "$3"
}

# check_damage: of a stream every byte counts. A table or a network may also be legal without its end, or say something
# else; samples have no checksum.
check_damage() {
    local file about codes called many=20
    # Fuzzing, too, shows damage to what is instrumented, where a call takes long.
    ! is_instrumented || many=8
    ! is_script || many=4
    rm -rf damaged
    mkdir damaged
    damage "$input" damaged $many
    for file in damaged/*; do
        about=$file called=$file codes='0 3'
        case $kind in
        features | audio | model | checkpoint) [ $name = plot-mfcc ] || codes=3 ;; # that draws the first record
        table) [[ $file != */bit-* ]] || codes='0 3 4' ;; # a path in it may lead nowhere
        esac
        has_name || called='<stdin>'
        [[ $file != */junk ]] || ! has_output || echo old >out
        attempt "$file" out
        verdict "$codes" "$called"
    done
}

# ---- options ----

# check_options: --help and --version succeed in silence, and notice that nobody can read them; what is no option is
# named, with no more of it than a message has room for
check_options() {
    local about output='' word
    for word in --help -h --version -V; do
        about=$word
        run_words "$tool" "$word"
        verdict 0
        { [ -s stdout ] && [ ! -s stderr ]; } || wrong "not on standard output alone"
        run_words bash -c 'exec "$@" >full' - "$tool" "$word"
        verdict 4 '<stdout>' 'cannot write'
        run_words bash -c 'exec "$@" >&-' - "$tool" "$word"
        verdict 4 '<stdout>' 'cannot write'
    done
    for word in --frobnicate --frobnicate=3 -% --help=no $'--a\nb' "--$(printf 'x%.0s' {1..3000})"; do
        about="option ${word:0:40}"
        # What getopt says for a script goes by no hand of its own.
        if is_script && [[ $word = *$'\n'* ]]; then continue; fi
        run_words "$tool" "$word"
        word=${word:0:40}
        [[ $word = --* ]] || word=${word:1}
        verdict 2 "${word%=*}" 'see --help'
        [ ! -s stdout ] || wrong "something on standard output"
    done
}

# ---- surroundings ----

# check_streams: standard streams that are closed, full, or of no terminal
check_streams() {
    local about how codes
    for how in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
        about=$how codes=0
        has_name || [[ $how != *'<&-'* ]] || codes=4
        has_output || [[ $how != *'>&-' || $how = '2>&-' ]] || codes=4
        attempt "$input" out bash -c "exec \"\$@\" $how" -
        if [[ $codes = 4 && $how = *'2>&-' ]]; then
            [ "$status" = 4 ] || wrong "not 4"
        else
            verdict $codes
        fi
    done
    # A checkpoint that is not there is no fault: the training starts.
    if [ "$kind" != folder ] && [ "$kind" != checkpoint ] && has_name; then
        about='closed input'
        attempt - out bash -c 'exec "$@" <&-' -
        verdict '3 4'
        about='input from /dev/null'
        attempt - out
        verdict 3
    fi
    if has_output; then
        about='output to a full device'
        attempt "$input" full
        verdict 4 full 'cannot write'
        [ -c full ] || wrong "the device is gone"
        about='output to a full device, as -'
        attempt "$input" - bash -c 'exec "$@" >full' -
    else
        about='full standard output'
        attempt "$input" '' bash -c 'exec "$@" >full' -
    fi
    # A model is read again, so it goes to files alone.
    output=''
    verdict 4 '<stdout>' 'cannot write'
    about='no terminal'
    attempt "$input" out setsid -w
    verdict 0
}

# check_locale: the same bytes where a comma is the decimal sign, and where I is not the capital of i
check_locale() {
    local about
    for about in de_DE.UTF-8 tr_TR.UTF-8; do
        attempt "$input" out env LOCPATH="$MADE/locale" LC_ALL="$about" LANG="$about" LANGUAGE="${about%%_*}"
        if has_output; then
            cmp -s out "$MADE/expected.$name" || wrong "other bytes"
        else
            cmp -s stdout "$MADE/expected.$name" || wrong "other bytes"
        fi
        verdict 0
    done
}

# ---- names ----

hostile=(' a  b ' "it's a \"b\"" $'new\nline' -x --help -- $'\xff\xfe' 'ü' '*?[a-z]{a,b}' '$(touch bad)`touch bad`' '; touch bad &' '|touch bad'
    '\n\' 'a=b' '%s%n%d' '~#!<a>:')

# check_names: names of input and output that mean something to a shell, to printf, to getopt or a terminal
check_names() {
    local about word codes names=("${hostile[@]}" "$(printf 'n%.0s' {1..255})") base=("${command[@]}")
    has_name || return 0
    ! is_script || names=("${names[2]}" "${names[@]:5:2}" "${names[9]}" "${names[-1]}")
    for word in "${names[@]}"; do
        about="name ${word:0:40}"
        codes=0
        # A row of a table holds no control character, a picture or a page neither, and nothing but UTF-8.
        case $name in
        manifest) [[ $word != *[[:cntrl:]]* ]] || codes=3 ;;
        curves | confusion | plot-mfcc | plot-time | plot-tune | wave) [[ $word != *[[:cntrl:]]* && $word != $'\xff'* ]] || codes='0 2' ;;
        report) [[ $word != *[[:cntrl:]]* && $word != $'\xff'* ]] || codes='2 3' ;;
        esac
        cp -r -- "$input" "named/$word"
        attempt "named/$word" "made/$word"
        # A name that is no text is not told in what says so.
        if [[ $codes = 0 ]]; then verdict 0 "$word"; else verdict "$codes"; fi
        if [[ $word = -* ]] && [ "${base[-1]}" = IN ]; then
            mv -- "named/$word" .
            command=("${base[@]:0:${#base[@]}-1}" -- IN)
            attempt "$word" out
            verdict "$codes"
            command=("${base[@]}")
            rm -rf -- "$word"
        fi
        rm -rf -- "named/$word"
        [ ! -e bad ] || wrong "something was run"
    done
}

# deep LENGTH: a path of LENGTH bytes to a file x that is not there, in folders that are
deep() {
    perl -e '
        my ($length, $folder) = ($ARGV[0] - 2, "");
        while ($length > length $folder) {
            my $rest = $length - length $folder;
            my $part = "d" x ($rest > 300 ? 200 : $rest > 201 ? 100 : $rest);
            $folder .= $part;
            mkdir $part, 0777;
            chdir $part or die "$part: $!";
            $folder .= "/" if $length > length $folder;
        }
        print "$folder/x";' "$1"
}

# there PATH, gone PATH: makes or removes the file, whose path may be too long for others
in_place() {
    perl -e 'my @part = split m{/}, $ARGV[1]; my $last = pop @part;
        for (@part) { chdir $_ or die "$_: $!" }
        if ($ARGV[0]) { symlink $ARGV[0], $last or die } else { unlink $last or die }' "$1" "$2"
}

# check_long_names: names over 255 bytes; paths of 1500 bytes, of as many as the system takes, and of more. The
# reason is not lost behind them.
check_long_names() {
    local about path long
    has_name || return 0
    long=$(printf 'n%.0s' {1..256})
    for path in "$long" "$deep_4095/x"; do
        about="${#path} bytes"
        attempt "$path" out
        verdict 4 "${path:0:200}" 'too long|no such|cannot'
        ! has_output || attempt "$input" "$path"
        ! has_output || verdict 4 "${path:0:200}" 'too long|cannot write'
    done
    for path in "$deep_1600" "$deep_4095"; do
        about="${#path} bytes, not there"
        [ "$kind" = checkpoint ] || attempt "$path" out
        [ "$kind" = checkpoint ] || verdict 4 "${path:0:200}" '[Nn]o such|cannot open'
        about="${#path} bytes"
        in_place "$PWD/$input" "$path"
        attempt "$path" out
        verdict '0 4' "${path:0:200}" 'too long|cannot'
        in_place '' "$path"
        # The temporary beside it has a longer name.
        ! has_output || attempt "$input" "$path"
        ! has_output || verdict '0 4' "${path:0:200}" 'too long|cannot write'
    done
}

# check_places: loops of links, folders, places that are not there or where nothing may be written
check_places() {
    local about word places=(loop nowhere/x a.wav/x folder "" readonly/x)
    [ $name != report ] || places=(loop readonly/x) # a page takes its time
    has_name || return 0
    for word in loop nowhere/x "$input/x"; do
        about="input $word"
        attempt "$word" out
        verdict 4 "$word"
    done
    if [ "$kind" != folder ]; then
        about='input is a folder'
        attempt folder out
        verdict 4 folder
    fi
    has_output || return 0
    for word in "${places[@]}"; do
        about="output ${word:-without a name}"
        attempt "$input" "$word" "${plain[@]}"
        if [ -n "$word" ]; then verdict 4 "$word"; else verdict 2; fi
        [ -L loop ] || wrong "the link is gone"
        [ -z "$(ls -A readonly)" ] || wrong "something in a folder that is only to be read"
    done
    about='output is a link to nowhere'
    attempt "$input" dangling
    { [ -L dangling ] && [ -f target ]; } || wrong "the link is not followed"
    verdict 0
    rm -f target
}

# ---- one file for two ----

# check_same: the output is the input, by any of its names: refused
check_same() {
    local about word
    { [ "$kind" != folder ] && has_name && has_output; } || return 0
    for word in same.in ./same.in hard.in soft.in; do
        about="output is input, as $word"
        cp "$input" same.in
        ln same.in hard.in
        ln -s same.in soft.in
        attempt same.in "$word"
        cmp -s same.in "$input" || wrong "the input is lost"
        output=''
        verdict 2 "$word"
        rm -f same.in hard.in soft.in
    done
}

# check_outputs: two outputs of one training in one file, or over an input, whatever they are called
check_outputs() {
    local tool=ser-train name=ser-train about output=out
    cp train.sert in.sert
    ln in.sert hard.sert
    ln -s . here
    while read -r about; do
        # shellcheck disable=SC2086
        run_words ser-train -q --net tiny.net --val val.sert $about in.sert
        verdict 2
        cmp -s in.sert train.sert || wrong "the input is lost"
    done <<'END'
-o in.sert
-o hard.sert
-o here/in.sert
-o val.sert
-o out --log tiny.net
-o out --log here/out
-o out --log log --json ./log
-o out --checkpoint here/here/out
-o out --checkpoint in.sert
END
    cmp -s val.sert "$MADE/val.sert" || wrong "the input is lost"
}

# check_gaps: folds of which most are nobody's
check_gaps() {
    local tool=ser-split name=split about='folds 1 to 1000' output=out
    printf 'speaker\tfold\n' >folds.tsv
    printf '%s\t%s\n' ravdess_01 1 ravdess_02 999 ravdess_03 1000 >>folds.tsv
    run_words ser-split --folds folds.tsv --fold 1 -o out m.tsv
    verdict 0
    [ "$(wc -l <stderr)" -le 3 ] || wrong "a flood of messages"
}

# check_writers: two at once make one of the two
check_writers() {
    local about='two writers' other
    has_output || return 0
    for _ in 1 2 3; do
        ser-tensor cat -o out test.sert train.sert &
        other=$!
        attempt "$input" out
        wait $other || wrong "the other failed"
        [ "$status" = 0 ] || wrong "it failed"
        cmp -s out "$MADE/expected.$name" || cmp -s out "$MADE/other" || wrong "neither of the two"
        rm -f out
        no_temporaries
    done
}

# ---- limits ----

# A sanitizer takes memory of its own, and what counts the lines does not survive that there is none.
is_instrumented() {
    grep -q -e __asan_init -e __tsan_init -e __gcov_init "$BUILD/ser-cmp"
}

# check_holes: inputs of 1 TB that take no room: of nothing, or behind what is legal, where a reader may have stopped.
# Nothing copies them or keeps them: that would fill the disk, the memory or the time.
check_holes() {
    local about codes memory=1000000 seconds=5
    [ "$kind" != folder ] || return 0
    ! is_instrumented || memory=unlimited seconds=60
    for about in nothing more; do
        codes='3 4'
        [[ $about$name$kind != more*head* && $about$kind != moresound && $about$name != moreplot-mfcc ]] || codes='0 3'
        rm -f huge
        [ $about = nothing ] || cp "$input" huge
        truncate -s 1T huge
        attempt huge out bash -c "ulimit -v $memory -f 100000 -t $seconds; exec \"\$@\"" -
        if has_name; then verdict "$codes" huge; else verdict "$codes"; fi
    done
    rm -f huge
}

# check_files: few descriptors, no bytes to write
check_files() {
    local about n least=5 more=(0 1 2 3 4)
    ! is_script || least=20 more=(0 4)
    for n in "${more[@]}"; do
        about="ulimit -n $((least + n))"
        attempt "$input" out bash -c "ulimit -n $((least + n)); exec \"\$@\"" -
        [ "$status" != 127 ] || continue # a library was not found
        verdict '0 4'
    done
    # The commands inside of a script tell of it under their own names.
    has_output && ! is_script || return 0
    about='ulimit -f 0'
    # The file of messages is one that may not grow.
    attempt "$input" out bash -c '(ulimit -f 0 && exec "$@") 2>&1 | cat >&2; exit "${PIPESTATUS[0]}"' -
    verdict 4 '' 'File too large'
}

# check_memory: from what the libraries need up to what is enough. FFTW calls abort when it gets none. Larger networks are
# in train.bats.
check_memory() {
    local about mb
    ! is_script || return 0
    for mb in 24 32 40 50 60 80 100 120 150 200 300; do
        about="ulimit -v ${mb}000"
        attempt "$input" out bash -c "ulimit -v ${mb}000; exec \"\$@\"" -
        # What is not even told its version has no room for the libraries, of which libgomp ends a process with 1.
        [[ $status = [04] ]] || bash -c "ulimit -v ${mb}000; exec $tool --version" >/dev/null 2>&1 || continue
        if [ $status = 134 ] && [ $tool = ser-mfcc ]; then no_temporaries; else verdict '0 4'; fi
    done
}

# check_processes: none but its own, where it would have four jobs
check_processes() {
    local about='ulimit -u 1' i
    ! is_script || return 0
    for i in "${!command[@]}"; do
        [ "${command[i]}" != -j ] || command[i + 1]=4
    done
    attempt "$input" out "${another[@]}" bash -c 'ulimit -u 1; exec "$@"' -
    verdict '0 4'
}
