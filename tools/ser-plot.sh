#!/usr/bin/env bash
# ser-plot: pictures of tables, features and audio, drawn by gnuplot; the manual is ser-plot.1.
#
# Each kind is one awk program that works out the whole picture, in pixels, and prints gnuplot's
# commands. What comes from data gets there in two forms only: as numbers that were checked, and as
# text in single quotes, where gnuplot expands nothing.
# shellcheck source=lib/script.sh
. lib/script.sh
unset GNUTERM GNUPLOT_LIB GNUPLOT_FONTPATH GDFONTPATH

version='@VERSION@'

synopsis='[OPTION...] KIND [FILE...]'
kinds='curves|confusion|reliability|speakers|manifest|mfcc|wave'
output='' png='' title='' key='' model='' window='' step=''
max_table=100000000 # bytes

help() {
    out "usage: $tool $synopsis
Draws a picture of FILE, or of standard input, as SVG.

  -o, --output FILE           write FILE, not standard output
  -p, --png                   PNG, twice as many pixels
  -t, --title TEXT            the line above the picture
  -k, --key KEY               mfcc: the record to draw, instead of the first
  -m, --model MODEL           wave: show the emotion over time, by this model
      --window S              wave: seconds that the model hears at a time [2]
      --step S                wave: seconds from one window to the next [0.5]
  -h, --help                  this text
  -V, --version               the version

curves       of a training: loss, accuracy, learning rate (ser-train --log)
confusion    counts and rates of predictions (ser-score), from one or more files
reliability  whether predictions are as sure as they are right, likewise
speakers     accuracy of each speaker, likewise
manifest     utterances by emotion and speaker, and by part after ser-split
mfcc         features of one utterance (ser-mfcc)
wave         an audio file"
}

# ---- options ----

# is_seconds TEXT MIN_MS: a plain number of at most 3600 seconds; sets ms to its thousandths
is_seconds() {
    [[ $1 =~ ^([0-9]{1,4})(\.([0-9]{1,3}))?$ ]] || return 1
    local thousandths=${BASH_REMATCH[3]}000
    ms=$((10#${BASH_REMATCH[1]} * 1000 + 10#${thousandths:0:3}))
    ((ms >= $2 && ms <= 3600000))
}

need_seconds() { # need_seconds OPTION TEXT
    is_seconds "$2" 10 || usage "$1: '$2' is not a number of seconds from 0.01 to 3600"
}

# keep_input FILE: refuses an output over an input
keep_input() {
    [ -z "$output" ] || [ "$output" = - ] || [ "$1" = - ] || [ ! -f "$output" ] || [ ! "$output" -ef "$1" ] ||
        usage "--output '$output' would be written over the input '$1'"
}

options() { # sets the options, kind and the array files
    local line name ms
    line=$(getopt -n "$tool" -o o:pt:k:m:hV -l output:,png,title:,key:,model:,window:,step: \
        -l help,version -- "$@" 2>"$temp/said") || usage "$(sed "1s/^[^:]*: //" "$temp/said")"
    eval "set -- $line" # getopt has quoted every word
    while [ "$1" != -- ]; do
        case $1 in
        -[okm] | --output | --key | --model | --window | --step) [ -n "$2" ] || usage "$1: empty" ;;&
        -o | --output) output=$2 && shift ;;
        -p | --png) png=1 ;;
        -t | --title) title=$2 && shift ;;
        -k | --key) key=$2 && shift ;;
        -m | --model) model=$2 && shift ;;
        --window) window=$2 && shift ;;
        --step) step=$2 && shift ;;
        -h | --help) help && exit ;;
        -V | --version) out "$tool (ser) $version" && exit ;;
        esac
        shift
    done
    shift
    [ $# != 0 ] || usage "which kind of picture?"
    kind=$1
    shift
    case $kind in
    curves | confusion | reliability | speakers | manifest | mfcc | wave) ;;
    *) usage "'$kind' is none of $kinds" ;;
    esac
    files=("$@")
    [ $# != 0 ] || files=(-)
    case $kind in
    confusion | reliability | speakers) ;;
    *) [ ${#files[@]} = 1 ] || usage "$kind: one FILE is meant" ;;
    esac
    for name in "$title" "${files[@]}"; do
        case $name in *[[:cntrl:]]*) usage "'$name': control characters, which no picture can show" ;; esac
    done
    is_shown <<<"$title" || usage "--title: not UTF-8 text that a picture can show"
    [ "$kind" = mfcc ] || [ -z "$key" ] || usage "--key belongs to mfcc"
    [ "$kind" = wave ] || [ -z "$model" ] || usage "--model belongs to wave"
    [ -n "$model" ] || [ -z "$window$step" ] || usage "--window and --step belong to --model"
    need_seconds --window "${window:=2}"
    need_seconds --step "${step:=0.5}"
    for name in "${files[@]}" ${model:+"$model"}; do keep_input "$name"; done
    if [ -n "$png" ] && [ -z "$output" ] && [ -t 1 ]; then
        usage "will not write binary data to a terminal: use -o FILE or a pipe"
    fi
}

# ---- input ----

# is_shown: standard input is text for a picture: UTF-8 without control characters, without what XML
# forbids, and without the three characters that stand for markup on the way through gnuplot.
is_shown() {
    local text=$temp/text
    cat >"$text"
    iconv -f UTF-8 -t UTF-8 "$text" >/dev/null 2>&1 &&
        ! grep -qaP '[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!$)|\xef\xbf[\xbe\xbf]|\xee\x80[\x80-\x82]' "$text"
}

# take FILE: copies a table to $temp/in; sets name to what messages call it.
take() {
    name=$1
    if [ "$1" = - ]; then
        name='<stdin>'
        head -c $((max_table + 1)) >"$temp/in"
    else
        [ -e "$1" ] || die 4 "$1: cannot open: there is no such file"
        { [ ! -d "$1" ] && [ -r "$1" ]; } || die 4 "$1: cannot read"
        head -c $((max_table + 1)) <"$1" >"$temp/in"
    fi
    [ "$(stat -c %s "$temp/in")" -le $max_table ] || die 3 "$name: larger than $max_table bytes: not a table"
    need_shown "$temp/in"
}

need_shown() {
    is_shown <"$1" || die 3 "$name: not UTF-8 text, or with characters that no picture can show"
}

# evaluate: the predictions in files through ser-eval, to $temp/in
evaluate() {
    name=${files[*]}
    inner ser-eval --tsv -- "${files[@]}" >"$temp/in" || exit $?
    need_shown "$temp/in"
}

# ---- drawing ----

# What the programs share. Lengths are in pixels of the SVG; y counts down from the top.
# shellcheck disable=SC2016 # awk's dollars
drawing='
function fail(why) {
    print why >"/dev/stderr"
    failed = 1
    exit 3
}
function is_number(s) {
    return s ~ /^[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?$/
}
function is_count(s) {
    return s ~ /^[0-9]+$/ && length(s) <= 9
}
# Columns of a header line by name, in at[].
function need(names,  i, n, want) {
    for (i = 1; i <= NF; i++)
        at[$i] = i
    columns = NF
    n = split(names, want, " ")
    for (i = 1; i <= n; i++)
        if (!(want[i] in at))
            fail("line 1: no column \047" want[i] "\047")
}
function width(s,  bare) { # characters of UTF-8
    bare = s
    gsub(/[\200-\277]/, "", bare)
    return length(bare)
}
function cut(s, most,  i, n) {
    if (width(s) <= most)
        return s
    for (i = 1; i <= length(s); i++)
        if (substr(s, i, 1) !~ /[\200-\277]/ && ++n == most)
            return substr(s, 1, i - 1) "\342\200\246"
}
# A text of gnuplot. The three characters that are markup in XML travel as others, of private use.
function quoted(s) {
    if (svg) {
        gsub(/&/, "\356\200\200", s)
        gsub(/</, "\356\200\201", s)
        gsub(/>/, "\356\200\202", s)
    }
    gsub(/\047/, "\047\047", s)
    return "\047" s "\047"
}
# The same as the label of a tic, where per cent begins a format.
function tic(s) {
    s = quoted(s)
    gsub(/%/, "%%", s)
    return s
}
function per_cent(x) {
    return sprintf("%.1f %%", 100 * x)
}
# A point at which a value may lie: 95 per cent interval of a share of n (Wilson), in low and high.
function wilson(share, n,  z, centre, half) {
    z = 1.959964
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = centre - half
    high = centre + half
}
function start(w, h, heading) {
    W = w
    H = h
    if (ENVIRON["title"] != "")
        heading = ENVIRON["title"]
    printf "set terminal %s size %d,%d noenhanced background rgb \047white\047 %s\n", svg ? "svg" : "pngcairo", \
        svg ? W : 2 * W, svg ? H : 2 * H, svg ? "fixed font \047sans-serif,14\047" : \
        "font \047sans,10.5\047 fontscale 2 linewidth 2 pointscale 2"
    print "set encoding utf8"
    print "set border 3 lc rgb \047#404040\047"
    print "set tics nomirror out scale 0.6"
    print "set palette defined (" ramp() ")"
    print "set multiplot"
    printf "set label 1 %s at screen 0.5, screen %.6f center\n", quoted(cut(heading, int(W / 7.6))), 1 - 20 / H
    print "unset key"
    panels = 0
}
# White to dark blue: its lightness alone orders it.
function ramp() {
    return "0 \047#ffffff\047, 0.25 \047#c6dbef\047, 0.5 \047#6baed6\047, 0.75 \047#2171b5\047, 1 \047#08306b\047"
}
function panel(left, top, right, bottom, below, beside) {
    if (panels++)
        print "unset label 1"
    printf "set lmargin at screen %.6f; set rmargin at screen %.6f\n", left / W, right / W
    printf "set tmargin at screen %.6f; set bmargin at screen %.6f\n", 1 - top / H, 1 - bottom / H
    # In one line, whatever the numbers beside the axes.
    printf "set label 2 \047%s\047 at screen %.6f, screen %.6f rotate center\n", beside, 16 / W, 1 - (top + bottom) / 2 / H
    printf "set label 3 \047%s\047 at screen %.6f, screen %.6f center\n", below, (left + right) / 2 / W, 1 - (bottom + 44) / H
    print "set format x \047" (below == "" ? "" : "%g") "\047"
}
# A colour box beside the panel.
function scale(left, top, right, bottom, beside) {
    printf "set colorbox user origin screen %.6f, screen %.6f size screen %.6f, screen %.6f\n", left / W, \
        1 - bottom / H, (right - left) / W, (bottom - top) / H
    printf "set label 5 \047%s\047 at screen %.6f, screen %.6f rotate center\n", beside, (right + 48) / W, 1 - (top + bottom) / 2 / H
}
function legend(y, how) {
    printf "set key at screen 0.5, screen %.6f center center %s\n", 1 - y / H, how
}
'

# draw PROGRAM FILE...: runs it; its last words are the fault of the input.
draw() {
    local program=$1 code=0 svg=1
    shift
    [ -z "$png" ] || svg=''
    awk -F '\t' -v svg="$svg" "$drawing $program" "$@" \
        >"$temp/script" 2>"$temp/said" || code=$?
    if [ $code = 3 ]; then die 3 "$name: $(tail -n 1 "$temp/said")"; fi
    [ $code = 0 ] || die 4 "awk: $(tail -n 1 "$temp/said")"
}

render() {
    command -v gnuplot >/dev/null || die 4 "gnuplot: not installed; on Debian: apt-get install gnuplot-nox"
    LC_ALL=C.UTF-8 gnuplot -d "$temp/script" >"$temp/picture" 2>"$temp/said" </dev/null ||
        die 4 "gnuplot: $(grep -v warning: "$temp/said" | tail -n 1)"
    if [ -z "$png" ]; then
        [[ $(tail -n 2 "$temp/picture") = *'</svg>'* ]] || die 4 "gnuplot: the picture is not complete"
        # gnuplot neither escapes all that XML forbids nor leaves &#...; alone.
        sed -i -e 's,^<title>Gnuplot</title>$,<title>'"$kind"'</title>,' -e '/^<desc>Produced by GNUPLOT/d' \
            -e 's/\xee\x80\x80/\&amp;/g; s/\xee\x80\x81/\&lt;/g; s/\xee\x80\x82/\&gt;/g' \
            -e 's,^<image ,<image style="image-rendering: pixelated" ,' "$temp/picture"
    fi
    deliver "$temp/picture"
}

# ---- kinds ----

plot_curves() {
    take "${files[0]}"
    draw "$curves" "$temp/in"
}

# shellcheck disable=SC2016
curves='
NR == 1 {
    sub(/\r$/, "")
    need("epoch lr loss accuracy val_loss val_accuracy")
    next
}
{
    sub(/\r$/, "")
    if (NF != columns)
        fail("line " NR ": " NF (NF == 1 ? " field" : " fields") ", the header has " columns)
    n++
    for (name in at)
        if (name ~ /^(epoch|lr|loss|accuracy|val_loss|val_accuracy)$/) {
            if (!is_number($at[name]))
                fail("line " NR ": " name " is no number: \047" $at[name] "\047")
            v[n, name] = $at[name]
        }
    if (!is_count(v[n, "epoch"]) || v[n, "lr"] <= 0 || n > 1 && v[n, "epoch"] <= v[n - 1, "epoch"])
        fail("line " NR ": epochs count up and learning rates are above 0")
    if (("best" in at) && $at["best"] == 1)
        best = n
    if (("stop" in at) && $at["stop"] == 1)
        stop = v[n, "epoch"]
}
END {
    if (failed)
        exit 3
    if (!n)
        fail("no epoch in it")
    heading = n == 1 ? "Training, one epoch" : "Training, " n " epochs"
    if (stop)
        heading = heading ", stopped early"
    if (best)
        heading = heading sprintf(": best is %d, validation accuracy %s", v[best, "epoch"], per_cent(v[best, "val_accuracy"]))
    print "$d << EOD"
    for (i = 1; i <= n; i++) {
        print v[i, "epoch"], v[i, "loss"], v[i, "val_loss"], 100 * v[i, "accuracy"], 100 * v[i, "val_accuracy"], v[i, "lr"]
        if (!(v[i, "lr"] + 0 in rate)) {
            rate[v[i, "lr"] + 0]
            tics = tics (rates++ ? ", " : "") sprintf("\047%g\047 %g", v[i, "lr"], v[i, "lr"])
            if (rates == 1 || v[i, "lr"] + 0 < least)
                least = v[i, "lr"] + 0
            if (v[i, "lr"] + 0 > most)
                most = v[i, "lr"] + 0
        }
    }
    # A step is as wide as its epoch.
    print v[n, "epoch"] + 1, "nan nan nan nan", v[n, "lr"]
    print "EOD"
    start(640, 650, heading)
    printf "set xrange [%d.5:%d.5]\n", v[1, "epoch"] - 1, v[n, "epoch"]
    if (v[n, "epoch"] - v[1, "epoch"] < 12)
        print "set xtics 1"
    print "set grid y lc rgb \047#d0d0d0\047 lt 1"
    if (best) {
        printf "set arrow 1 from %d, graph 0 to %d, graph 1 nohead dt 3 lw 1.5 lc rgb \047#000000\047\n", v[best, "epoch"], v[best, "epoch"]
        # Kept inside of the picture.
        side = (best - 0.5) / n
        printf "set label 4 \047best: epoch %d\047 at %d, graph 1.06 %s\n", v[best, "epoch"], v[best, "epoch"], \
            (side < 0.15 ? "left" : side > 0.85 ? "right" : "center")
    }
    legend(46, "horizontal")
    panel(90, 84, 615, 290, "", "loss")
    print "set yrange [0:*]"
    pair(2, 3)
    print "unset label 4; unset key"
    panel(90, 310, 615, 496, "", "accuracy, %")
    print "set yrange [0:100]; set ytics 20"
    pair(4, 5)
    panel(90, 516, 615, 590, "epoch", "rate")
    print "unset ytics; set logscale y"
    printf "set yrange [%g:%g]\n", least / 2, most * 2
    if (rates <= 3)
        print "set ytics nomirror out scale 0.6 (" tics ")"
    else
        printf "set ytics nomirror out scale 0.6 (\047%g\047 %g, \047%g\047 %g)\n", most, most, least, least
    print "plot $d using ($1 - 0.5):6 with steps lw 2 lc rgb \047#000000\047"
}
function pair(a, b,  size) {
    size = n > 60 ? 0.3 : 0.6
    printf "plot $d using 1:%d with linespoints pt 6 ps %g lw 2 lc rgb \047#0072B2\047 title \047training\047, ", a, size
    printf "$d using 1:%d with linespoints dt 2 pt 7 ps %g lw 2 lc rgb \047#D55E00\047 title \047validation\047\n", b, size
}'

# What the three pictures of predictions read: one figure a row, of all files together.
# shellcheck disable=SC2016
pooled='
$1 == "pooled" && $3 == "-" { value[$2] = $5 }
function scores(  text) {
    text = sprintf("%d predictions: accuracy %s", value["n"], per_cent(value["wa"]))
    if ("wa_low" in value)
        text = text sprintf(" (%.1f to %.1f)", 100 * value["wa_low"], 100 * value["wa_high"])
    return text
}'

plot_confusion() {
    evaluate
    draw "$pooled $confusion" "$temp/in"
}

# shellcheck disable=SC2016
confusion='
$1 == "pooled" && $2 == "confusion" {
    if (!($3 in row))
        class[++K] = $3
    count[$3, $4] = $5
    row[$3] += $5
}
END {
    if (failed)
        exit 3
    if (K > 40)
        fail(K " classes: more than 40 cannot be read")
    for (i = 1; i <= K; i++) {
        text = cut(class[i], 20)
        across = across (i > 1 ? ", " : "") tic(text) " " i
        if (width(text) > longest)
            longest = width(text)
        text = text " (" row[class[i]] ")"
        down = down (i > 1 ? ", " : "") tic(text) " " K - i
        if (width(text) > long)
            long = width(text)
    }
    left = 44 + 7.8 * long
    cell = int((560 - left) / K)
    cell = cell < 50 ? 50 : cell > 110 ? 110 : cell
    right = left + K * cell
    top = 44
    bottom = top + K * (cell < 60 ? 42 : 54)

    print "$d << EOD"
    for (i = 1; i <= K; i++)
        for (j = 1; j <= K; j++) {
            c = count[class[i], class[j]]
            share = row[class[i]] ? 100 * c / row[class[i]] : 0
            print j, K - i, c, share, (share > 55 ? 16777215 : c ? 0 : 7368816) # white, black, grey
        }
    print "EOD"
    start(right + 90 < 640 ? 640 : right + 90, bottom + 54 + 5.6 * longest, \
        scores() ", unweighted recall " per_cent(value["ua"]))
    panel(left, top, right, bottom, "", "true emotion")
    scale(right + 14, top, right + 30, bottom, "share of the row, %")
    print "set border 0; set tics scale 0"
    printf "set xrange [0.5:%d.5]; set yrange [-0.5:%d.5]; set cbrange [0:100]\n", K, K - 1
    print "set xtics rotate by 40 right (" across ")"
    print "set ytics (" down ")"
    print "set format x \047%g\047"
    printf "set label 3 \047predicted emotion\047 at screen %.6f, screen %.6f center\n", (left + right) / 2 / W, 18 / H
    print "plot $d using 1:2:($1-0.5):($1+0.5):($2-0.5):($2+0.5):4 with boxxyerror fc palette fs solid border lc rgb \047#909090\047, \\"
    print "  $d using 1:($2 + ($3 > 0 ? 0.2 : 0)):(sprintf(\"%d\", $3)):5 with labels tc rgb variable, \\"
    print "  $d using ($3 > 0 ? $1 : NaN):($2 - 0.2):(sprintf(\"%.0f %%\", $4)):5 with labels tc rgb variable"
}'

plot_reliability() {
    evaluate
    draw "$pooled $reliability" "$temp/in"
}

# shellcheck disable=SC2016
reliability='
$1 == "pooled" && $2 ~ /^bin_/ { bin[$2, int(10 * $3 + 0.5)] = $5 }
END {
    if (failed)
        exit 3
    if (!(("bin_n", 1) in bin))
        fail("no columns p_CLASS: without probabilities there is nothing to compare")
    print "$d << EOD"
    for (i = 1; i <= 10; i++) {
        n = bin["bin_n", i]
        if (n > most)
            most = n
        if (n) {
            wilson(bin["bin_accuracy", i], n)
            print 10 * i - 5, n, 100 * bin["bin_confidence", i], 100 * bin["bin_accuracy", i], 100 * low, 100 * high
        } else
            print 10 * i - 5, 0, "nan nan nan nan"
    }
    print "EOD"
    start(640, 640, scores() sprintf(", calibration error %.3f", value["ece"]))
    print "set xrange [0:100]; set xtics 10; set grid lc rgb \047#d0d0d0\047 lt 1"
    legend(56, "vertical")
    panel(90, 90, 615, 440, "", "accuracy, %")
    print "set yrange [0:100]; set ytics 20"
    print "plot x with lines dt 2 lw 1.5 lc rgb \047#606060\047 title \047as sure as right\047, \\"
    print "  $d using 3:4:5:6 with yerrorbars pt 7 ps 1 lw 1.5 lc rgb \047#0072B2\047 title \047measured, 95 % interval\047, \\"
    print "  $d using 3:4 with lines lw 2 lc rgb \047#0072B2\047 notitle"
    print "unset key; unset grid"
    panel(90, 466, 615, 584, "confidence, %", "predictions")
    printf "set yrange [0:%g]; set ytics (0, %d)\n", 1.25 * most, most
    print "set boxwidth 9"
    print "plot $d using 1:2 with boxes fs solid border lc rgb \047#08306b\047 fc rgb \047#9ecae1\047, \\"
    print "  $d using 1:2:(sprintf(\"%d\", $2)) with labels offset 0, 0.6"
}'

plot_speakers() {
    evaluate
    # Best first; equal ones by name.
    sort -s -t $'\t' -k 6,6gr -k 3,3V <(awk -F '\t' -v OFS='\t' '{ print $0, $1 == "speaker" && $2 == "wa" ? $5 : 2 }' "$temp/in") \
        >"$temp/sorted"
    draw "$pooled $speakers" "$temp/sorted"
}

# shellcheck disable=SC2016
speakers='
$1 == "speaker" && $2 == "wa" {
    who[++S] = $3
    wa[$3] = $5
}
$1 == "speaker" && $2 == "ua" { ua[$3] = $5 }
$1 == "speaker" && $2 == "n" { n[$3] = $5 }
END {
    if (failed)
        exit 3
    if (!S || S == 1 && who[1] == "-")
        fail("no column speaker, or no speaker in it")
    if (S > 1000)
        fail(S " speakers: more than 1000 cannot be read")
    print "$d << EOD"
    for (i = 1; i <= S; i++) {
        text = cut(who[i], 24)
        down = down (i > 1 ? ", " : "") tic(text) " " S - i
        if (width(text) > long)
            long = width(text)
        printf "%d %.6f %.6f %d\n", S - i, 100 * wa[who[i]], 100 * ua[who[i]], n[who[i]]
    }
    print "EOD"
    start(640, 174 + 24 * S, sprintf("%d speakers, %s", S, scores()))
    left = 44 + 7.8 * long
    panel(left, 104, 615, 114 + 24 * S, "right predictions, %", "")
    legend(62, "vertical")
    printf "set xrange [0:112]; set xtics 0, 20, 100; set yrange [-0.7:%g]; set grid x lc rgb \047#d0d0d0\047 lt 1\n", S - 0.3
    print "set ytics scale 0 (" down ")"
    printf "set arrow 1 from %.6f, graph 0 to %.6f, graph 1 nohead front dt 2 lw 1.5 lc rgb \047#000000\047\n", 100 * value["wa"], 100 * value["wa"]
    print "plot $d using 2:1:(0):2:($1-0.36):($1+0.36) with boxxyerror fs solid border lc rgb \047#08306b\047 fc rgb \047#9ecae1\047 title \047accuracy\047, \\"
    print "  $d using 3:1 with points pt 12 ps 1.2 lc rgb \047#D55E00\047 title \047unweighted recall\047, \\"
    print "  keyentry with lines dt 2 lw 1.5 lc rgb \047#000000\047 title \047accuracy over all\047, \\"
    print "  $d using (101):1:(sprintf(\"of %d\", $4)) with labels left notitle"
}'

plot_manifest() {
    take "${files[0]}"
    draw "$manifest" "$temp/in"
}

# shellcheck disable=SC2016
manifest='
NR == 1 {
    sub(/\r$/, "")
    need("emotion speaker")
    next
}
{
    sub(/\r$/, "")
    if (NF != columns)
        fail("line " NR ": " NF (NF == 1 ? " field" : " fields") ", the header has " columns)
    part = ("part" in at) ? $at["part"] : "all"
    if (part !~ /^(train|val|test|all)$/)
        fail("line " NR ": the part is none of train, val, test")
    rows++
    add("emotion", $at["emotion"])
    add("speaker", $at["speaker"])
}
function add(kind, name) {
    if (!((kind, name) in total))
        list[kind, ++size[kind]] = name
    total[kind, name]++
    of[kind, name, part]++
    if (total[kind, name] > most[kind])
        most[kind] = total[kind, name]
}
# By name, a number in it counting as one: 2 before 10.
function before(a, b,  i, x, y) {
    for (;;) {
        i = match(a, /[0-9]+/) ? RSTART : 0
        if (!i || substr(a, 1, i - 1) != substr(b, 1, i - 1))
            return a < b
        x = substr(a, i, RLENGTH)
        a = substr(a, i + RLENGTH)
        b = substr(b, i)
        if (!match(b, /^[0-9]+/))
            return x a < b
        y = substr(b, 1, RLENGTH)
        b = substr(b, 1 + RLENGTH)
        if (x + 0 != y + 0)
            return x + 0 < y + 0
        if (x != y)
            return x < y
    }
}
function order(kind,  i, j, x) {
    for (i = 2; i <= size[kind]; i++) {
        x = list[kind, i]
        for (j = i - 1; j && before(x, list[kind, j]); j--)
            list[kind, j + 1] = list[kind, j]
        list[kind, j + 1] = x
    }
}
function rectangles(kind,  i, p, x, name, text) {
    print "$" kind " << EOD"
    for (i = 1; i <= size[kind]; i++) {
        x = 0
        name = list[kind, i]
        text = cut(name, 24)
        down[kind] = down[kind] (i > 1 ? ", " : "") tic(text) " " size[kind] - i
        if (width(text) > long)
            long = width(text)
        for (p = 1; p <= parts; p++) {
            print p, size[kind] - i, x, x + of[kind, name, part_name[p]], total[kind, name]
            x += of[kind, name, part_name[p]]
        }
    }
    print "EOD"
}
function bars(kind, named,  p, c) {
    printf "set xrange [0:%g]; set yrange [-0.7:%g]; set xtics autofreq\n", 1.08 * most[kind], size[kind] - 0.3
    print "set ytics scale 0 (" down[kind] ")"
    c = "plot "
    for (p = 1; p <= parts; p++)
        c = c sprintf("$%s using ($1 == %d && $4 > $3 ? $3 : NaN):2:3:4:($2-0.36):($2+0.36) with boxxyerror fs solid border lc rgb \047#000000\047 fc rgb \047%s\047 %s, \\\n  ", \
            kind, p, colour[part_name[p]], named ? "title \047" part_name[p] "\047" : "notitle")
    print c "$" kind " using ($1 == 1 ? $5 : NaN):2:(sprintf(\"%d\", $5)) with labels left offset 0.5, 0 notitle"
}
END {
    if (failed)
        exit 3
    if (!rows)
        fail("no utterance in it")
    if (size["emotion"] > 100 || size["speaker"] > 1000)
        fail("more than 100 emotions or 1000 speakers cannot be read")
    # Told apart by lightness alone.
    colour["train"] = colour["all"] = "#2171b5"
    colour["val"] = "#f0c060"
    colour["test"] = "#f7f7f7"
    parts = ("part" in at) ? split("train val test", part_name, " ") : split("all", part_name, " ")
    order("emotion")
    order("speaker")
    rectangles("emotion")
    rectangles("speaker")
    top = parts > 1 ? 70 : 40
    middle = top + 10 + 24 * size["emotion"]
    end = middle + 80 + 24 * size["speaker"]
    start(640, end + 60, sprintf("%d utterances, %d emotions, %d speakers", rows, size["emotion"], size["speaker"]))
    left = 34 + 7.8 * long
    print "set grid x lc rgb \047#d0d0d0\047 lt 1"
    if (parts > 1)
        legend(46, "horizontal width 2")
    panel(left, top, 615, middle, "utterances", "")
    bars("emotion", parts > 1)
    print "unset key"
    panel(left, middle + 70, 615, end, "utterances", "")
    bars("speaker", 0)
}'

plot_mfcc() {
    local code=0 stream=$temp/record
    name=${files[0]}
    [ "$name" != - ] || name='<stdin>'
    inner ser-tensor head -n 1 ${key:+"--key=$key"} -o "$stream" -- "${files[0]}" || code=$?
    [ $code != 1 ] || exit 3 # no record has the key
    [ $code = 0 ] || exit $code
    # The key stays out of the way: not every one fits a line of text.
    inner ser-tensor npy -o "$temp/record.npy" "$stream" || exit $?
    {
        ser-tensor ls --header "$stream"
        ser-tensor ls --columns emotion,frames,speaker "$stream" | sed -n '2{s/^/record\t/;p}'
        ser-tensor from-npy --kind features --key record "$temp/record.npy" | ser-tensor text | sed '1d; s/ \]$//; s/^ */row\t/'
    } >"$temp/in" || exit $?
    need_shown "$temp/in"
    # Twice: colours are spread over what the first reading has found.
    draw "$mfcc" "$temp/in" "$temp/in"
}

# shellcheck disable=SC2016
mfcc='
FNR == 1 { pass++ }
pass == 1 && !record && match($0, /^[a-z_.]+=/) { attribute[substr($0, 1, RLENGTH - 1)] = substr($0, RLENGTH + 1) }
$1 == "record" && pass == 1 {
    record = 1
    key = $2
    if (attribute["kind"] != "features" || $4 !~ /^[0-9]+x[0-9]+$/)
        fail("record " key ": a " $3 " " $4 " of kind " attribute["kind"] ", not features of rows and frames")
    split($4, size, "x")
    rows = size[1] + 0
    frames = size[2] + 0
    if (!rows || rows > 1000 || !frames || frames > 20000)
        fail("record " key ": " $4 ": up to 1000 rows of up to 20000 frames can be drawn")
    full = is_count($6) && $6 > 0 && $6 < frames ? $6 : frames
    emotion = $5
    speaker = $7
    logmel = attribute["feat.type"] == "logmel"
    whole = logmel || rows == 1
    step = 1
    unit = "frames"
    if (is_number(attribute["feat.hop"]) && is_number(attribute["feat.rate_hz"]) && attribute["feat.rate_hz"] > 0) {
        step = attribute["feat.hop"] / attribute["feat.rate_hz"]
        unit = "s"
    }
    least = 1e30
    most = -1e30
    print "$d << EOD"
}
# The zeroth coefficient follows loudness, hundreds of times as large as the others: it has a panel.
$1 == "row" {
    r = pass == 1 ? first++ : second++
    n = split($2, x, " ")
    if (n != frames)
        fail("record " key ": a row of " n " values")
    if (pass == 1) {
        for (i = 1; i <= n; i++) {
            if (!is_number(x[i]) || x[i] > 1e30 || x[i] < -1e30)
                fail("record " key ": holds a value that is no number")
            if ((r || whole) && i <= full) {
                if (x[i] + 0 < least)
                    least = x[i] + 0
                if (x[i] + 0 > most)
                    most = x[i] + 0
            }
        }
        if (r || whole)
            print $2
        else
            zeroth = $2
    } else if (r || whole)
        for (i = 1; i <= full; i++)
            bucket[int((x[i] - least) / (most - least + 1e-9) * 1000)]++
}
# The value below which so many of all lie.
function percentile(share,  i, n) {
    for (i = 0; i <= 1000; i++)
        n += bucket[i]
    share *= n
    n = 0
    for (i = 0; i <= 1000; i++)
        if ((n += bucket[i]) > share)
            break
    return least + i / 1000 * (most - least)
}
END {
    if (failed)
        exit 3
    if (first != rows || second != rows)
        fail("record " key ": is not whole")
    print "EOD"
    split(zeroth, x, " ")
    print "$zeroth << EOD"
    for (i = 1; i <= full; i++)
        printf "%.6f %s\n", (i - 0.5) * step, x[i]
    print "EOD"
    from = percentile(0.01)
    to = percentile(0.99)
    if (from >= to) {
        from = least - 0.5
        to = most + 0.5
    }
    heading = cut(key, 40) ":"
    if (emotion != "-")
        heading = heading " " cut(emotion, 20) ","
    start(640, whole ? 480 : 560, heading " " full " frames" (full < frames ? ", padded to " frames : ""))
    # Cividis, whose lightness grows evenly, also for those who see fewer colours.
    print "set palette defined (0 \047#00224e\047, 1 \047#123570\047, 2 \047#3b496c\047, 3 \047#575d6d\047, 4 \047#707173\047, " \
        "5 \047#8a8678\047, 6 \047#a59c74\047, 7 \047#c3b369\047, 8 \047#e1cc55\047, 9 \047#fee838\047)"
    printf "set xrange [0:%.6f]; set cbrange [%g:%g]\n", frames * step, from, to
    if (full < frames)
        printf "set arrow 1 from %.6f, graph 0 to %.6f, graph 1 nohead front dt 2 lw 1.5 lc rgb \047#D55E00\047\n", full * step, full * step
    top = 44
    if (!whole) {
        panel(90, top, 540, 160, "", "coefficient 0")
        print "set grid y lc rgb \047#d0d0d0\047 lt 1; set ytics 200"
        print "plot $zeroth using 1:2 with lines lw 1.5 lc rgb \047#000000\047"
        print "unset grid"
        top = 184
    }
    panel(90, top, 540, H - 60, "time, " unit, logmel ? "mel band" : "coefficient")
    scale(556, top, 572, H - 60, logmel ? "level, dB" : "value")
    print "set ytics autofreq"
    printf "set yrange [%g:%g]\n", whole ? -0.5 : 0.5, rows - 0.5
    printf "plot $d matrix using (($1 + 0.5) * %.9g):($2 + %d):3 with image\n", step, !whole
}'

# wave: the recording is decoded by our own tools, as all recordings are.
plot_wave() {
    local rate=22050 samples
    name=${files[0]}
    if [ "$name" = - ]; then
        name='<stdin>'
        cat >"$temp/audio"
        files[0]=$temp/audio
    fi
    is_shown <<<"$name" || usage "the name of the file is not UTF-8 text that a picture can show"
    if [ -n "$model" ]; then read_recipe; fi
    inner_file="<stdin>: row 1 (audio): ${files[0]}" inner_name=$name # of our own manifest
    printf 'id\tpath\naudio\t%s\n' "${files[0]}" | inner ser-augment -q --keep --rate "$rate" -o "$temp/audio.sert" - || exit $?
    samples=$(ser-tensor ls "$temp/audio.sert" | sed -n '2s/^audio\tf32\t\([0-9]*\)\t.*/\1/p')
    ((samples <= 3600 * rate)) || die 3 "$name: more than an hour"
    ser-tensor npy -o "$temp/audio.npy" "$temp/audio.sert"
    # A header of version 1: ten bytes, the last two of which count those that follow.
    tail -c $((samples * 4)) "$temp/audio.npy" >"$temp/samples"
    : >"$temp/windows"
    if [ -n "$model" ]; then score_windows; fi
    od -An -v -t f4 -w4 "$temp/samples" | sed 's/^ */sample\t/' >"$temp/in"
    wave_title=${name##*/} wave_rate=$rate wave_samples=$samples draw "$wave" "$temp/windows" "$temp/in"
}

# Sets recipe to the options of ser-mfcc that the model asks for, and rate.
read_recipe() {
    local line
    inner ser-tensor ls --header -- "$model" >"$temp/header" || exit $?
    grep -qx 'kind=model' "$temp/header" || die 3 "$model: not a model"
    recipe=()
    while IFS= read -r line; do
        case $line in
        feat.rate_hz=*) rate=${line#*=} && recipe+=("--rate=$rate") ;;
        feat.fmin_hz=*) recipe+=("--fmin=${line#*=}") ;;
        feat.fmax_hz=*) recipe+=("--fmax=${line#*=}") ;;
        feat.top_db=*) recipe+=("--top-db=${line#*=}") ;;
        feat.type=* | feat.window=* | feat.hop=* | feat.bands=* | feat.coefs=* | feat.frames=* | feat.deltas=*)
            recipe+=("--${line#feat.}")
            ;;
        esac
    done <"$temp/header"
    [[ $rate =~ ^[0-9]{1,6}$ ]] || die 3 "$model: no sampling rate that can be drawn"
}

# Cuts the samples into windows and scores them: lines of $temp/windows hold the first and last
# thousandth of a second, then the columns of ser-score.
score_windows() {
    local ms at=0 count total wide every first file cuts=()
    total=$((samples * 1000 / rate))
    is_seconds "$window" 10
    wide=$ms
    is_seconds "$step" 10
    every=$ms
    ((wide < total)) || wide=$total
    ((wide > 0)) || die 3 "$name: too short to be scored"
    ((total / every <= 2000)) || usage "--step: $step makes more than 2000 windows of this recording"
    mkdir "$temp/cut"
    count=$((wide * rate / 1000))
    while :; do
        ((at + wide <= total)) || at=$((total - wide))
        first=$((at * rate / 1000))
        printf -v file '%s/cut/%d' "$temp" "$at"
        {
            printf '\x93NUMPY\x01\x00\x76\x00'
            printf '%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': ($count,)}"
            tail -c +$((4 * first + 1)) "$temp/samples" | head -c $((count * 4)) || :
        } >"$file.npy"
        cuts+=("$file.npy")
        ((at + wide < total)) || break
        at=$((at + every))
    done
    ser-tensor from-npy --like "$temp/audio.sert" -o "$temp/cut.sert" -- "${cuts[@]}" || exit $?
    inner ser-mfcc -q "${recipe[@]}" <"$temp/cut.sert" -o "$temp/features" || exit $?
    inner ser-score -q -- "$model" "$temp/features" >"$temp/scores" || exit $?
    need_shown "$temp/scores"
    awk -F '\t' -v OFS='\t' -v wide=$wide 'NR == 1 { print "window", "end", $0 } NR > 1 { print $1, $1 + wide, $0 }' \
        "$temp/scores" >"$temp/windows"
}

# shellcheck disable=SC2016
wave='
BEGIN {
    rate = ENVIRON["wave_rate"]
    samples = ENVIRON["wave_samples"]
    if (samples < 2)
        fail("too short to be drawn")
    seconds = samples / rate
    columns = samples < 1000 ? samples : 1000
    print "$wave << EOD"
}
$1 == "window" {
    for (i = 3; i <= NF; i++)
        if ($i ~ /^p_/) {
            class[++K] = substr($i, 3)
            at[K] = i
        }
    next
}
$1 != "sample" {
    from[++windows] = $1 / 1000
    to[windows] = $2 / 1000
    for (k = 1; k <= K; k++)
        p[windows, k] = $at[k]
    next
}
# One line a column: time, least and largest sample.
{
    x = $2 + 0
    c = int(n++ * columns / samples)
    if (c != now + 0 || n == 1) {
        if (n > 1)
            printf "%.6f %.5g %.5g\n", (now + 0.5) * seconds / columns, least, most
        now = c
        least = most = x
    }
    if (x < least)
        least = x
    if (x > most)
        most = x
    if (x > peak)
        peak = x
    if (-x > peak)
        peak = -x
}
END {
    if (failed)
        exit 3
    printf "%.6f %.5g %.5g\n", (now + 0.5) * seconds / columns, least, most
    print "EOD"
    peak = peak > 0 ? 1.1 * peak : 1
    if (K > 40)
        fail(K " classes: more than 40 cannot be read")
    for (k = 1; k <= K; k++) {
        text = cut(class[k], 20)
        down = down (k > 1 ? ", " : "") tic(text) " " K - k
        if (width(text) > long)
            long = width(text)
    }
    left = long < 7 ? 90 : 34 + 7.8 * long
    if (windows) {
        print "$d << EOD"
        for (w = 1; w <= windows; w++) {
            # Overlapping windows meet in the middle between their centres.
            a = w == 1 ? 0 : (from[w - 1] + to[w - 1] + from[w] + to[w]) / 4
            b = w == windows ? seconds : (from[w + 1] + to[w + 1] + from[w] + to[w]) / 4
            winner = 1
            for (k = 2; k <= K; k++)
                if (p[w, k] > p[w, winner])
                    winner = k
            for (k = 1; k <= K; k++)
                printf "%.6f %.6f %d %.6f %d\n", a, b, K - k, 100 * p[w, k], k == winner
        }
        print "EOD"
    }
    bottom = windows ? 230 : 300
    full = windows ? bottom + 30 + 26 * K : bottom
    start(640, full + 60, ENVIRON["wave_title"] sprintf(", %.2f s", seconds))
    panel(left, 44, 540, bottom, windows ? "" : "time, s", "amplitude")
    printf "set xrange [0:%.6f]; set yrange [%g:%g]\n", seconds, -peak, peak
    print "set grid y lc rgb \047#d0d0d0\047 lt 1"
    print "plot $wave using 1:2:3 with filledcurves fs solid noborder fc rgb \047#08306b\047, $wave using 1:2 with lines lc rgb \047#08306b\047, $wave using 1:3 with lines lc rgb \047#08306b\047"
    if (windows) {
        print "unset grid"
        panel(left, bottom + 30, 540, full, "time, s", "")
        scale(556, bottom + 30, 572, full, "probability, %")
        printf "set yrange [-0.5:%g]; set ytics scale 0 (%s)\n", K - 0.5, down
        print "set cbrange [0:100]; set border 15"
        print "plot $d using 1:3:1:2:($3-0.5):($3+0.5):4 with boxxyerror fc palette fs solid noborder, \\"
        print "  $d using ($5 == 1 ? ($1 + $2) / 2 : NaN):3 with points pt 7 ps 0.8 lc rgb \047#ffffff\047, \\"
        print "  $d using ($5 == 1 ? ($1 + $2) / 2 : NaN):3 with points pt 6 ps 0.8 lw 1.5 lc rgb \047#000000\047"
    }
}'

# ---- the work ----

main() {
    begin
    options "$@"
    export title
    plot_"$kind"
    render
    command exit # nothing is read after it
}

main "$@"
