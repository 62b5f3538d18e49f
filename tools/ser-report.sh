#!/usr/bin/env bash
# ser-report: a study as one page of HTML; the manual is ser-report.1.
#
# The page is a sequence of sections, each printed by a function below. All data passes through the
# function h of awk, which leaves nothing that HTML takes for markup; pictures come from ser-plot.
# The page loads nothing, and its content policy forbids it to. It is well-formed XML, too.
# shellcheck source=lib/script.sh
. lib/script.sh
shopt -s nullglob

version='@VERSION@'

synopsis='[OPTION...] DIR'
output='' title='' worst=20 with_audio='' generated=''
max_audio=20000000 # bytes of one recording
max_table=100000000 # of one table of predictions

help() {
    out "usage: $tool $synopsis
Prints a study, the folder OUT of a pipeline, as one page of HTML.

  -o, --output FILE           write FILE, not standard output
  -t, --title TEXT            the title, instead of the folder's name
  -n, --worst N               how many worst-scored utterances to list [$worst]
  -a, --with-audio            put the recordings of these into the page
  -h, --help                  this text
  -V, --version               the version

The page needs no network, and a script only to sort its tables.
Run it where the pipeline ran: paths of recordings may be relative."
}

# ---- options ----

options() { # sets the options and dir
    local line
    line=$(getopt -n "$tool" -o o:t:n:ahV -l output:,title:,worst:,with-audio,help,version -- "$@" 2>"$temp/said") ||
        usage "$(sed "1s/^[^:]*: //" "$temp/said")"
    eval "set -- $line" # getopt has quoted every word
    while [ "$1" != -- ]; do
        case $1 in
        -o | --output) [ -n "$2" ] || usage "$1: empty" ;;&
        -o | --output) output=$2 && shift ;;
        -t | --title) title=$2 && shift ;;
        -n | --worst) worst=$2 && shift ;;
        -a | --with-audio) with_audio=1 ;;
        -h | --help) help && exit ;;
        -V | --version) out "$tool (ser) $version" && exit ;;
        esac
        shift
    done
    shift
    [ $# = 1 ] || usage "one folder is meant"
    [[ $worst =~ ^[0-9]{1,4}$ ]] || usage "--worst: '$worst' is not a whole number from 0 to 9999"
    worst=$((10#$worst))
    dir=$1
    case $dir in
    '') usage "the name of the folder is empty" ;;
    /*) ;;
    *) dir=./$dir ;; # nothing takes it for an option or an assignment
    esac
    [ -e "$dir" ] || die 4 "$1: cannot open: there is no such folder"
    [ -d "$dir" ] || die 4 "$1: not a folder"
    if [ -z "$title" ]; then
        title=$(realpath -- "$dir")
        title=${title##*/}
    fi
    is_shown <<<"$title" || usage "the title is not UTF-8 text that a page can show"
}

# ---- input ----

is_shown() { # standard input is UTF-8 without control characters
    cat >"$temp/text"
    iconv -f UTF-8 -t UTF-8 "$temp/text" >/dev/null 2>&1 &&
        ! grep -qaP '[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!$)|\xef\xbf[\xbe\xbf]' "$temp/text"
}

need_shown() { # need_shown FILE NAME
    is_shown <"$1" || die 3 "$2: not UTF-8 text, or with control characters"
}

# What a file of predictions tests, as one line: the same for the same emotions and corpora.
test_of() { # test_of FILE
    awk -F '\t' -v OFS='\t' '
        { sub(/\r$/, "") }
        NR == 1 {
            for (i = 1; i <= NF; i++) {
                at[$i] = i
                if ($i ~ /^p_/)
                    print "emotion", substr($i, 3)
            }
            next
        }
        ("emotion" in at) && ("predicted" in at) && $at["emotion"] != "-" {
            print "emotion", $at["emotion"]
            print "emotion", $at["predicted"]
            if ("corpus" in at)
                print "corpus", $at["corpus"]
        }' <"$1" | sort -u | sha256sum
}

# How a split came about: its table says whether at random; else it has the name that pipelines give it.
kind_of() { # kind_of FOLDER
    local name=${1##*/} random=''
    if [ -e "$1/manifest.tsv" ]; then
        random=$(awk -F '\t' '
            { sub(/\r$/, "") }
            NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
            { if (("split" in at) && $at["split"] == "random") print "random"; exit }' <"$1/manifest.tsv")
    elif [[ $name =~ ^random[0-9]+$ ]]; then
        random=$name
    fi
    if [ -n "$random" ]; then
        echo 'random splits'
    elif [[ $name =~ ^fold[0-9]+$ ]]; then
        echo folds
    else
        echo 'listed speakers'
    fi
}

# Sets net: the checksum of the text of the run's network, which is then in $temp/net.CHECKSUM; - if there is no model.
net_of() { # net_of FOLDER
    local header
    net=-
    [ -e "$1/model.bin" ] || return 0
    inner ser-tensor npy --key net -o "$temp/net.npy" "$1/model.bin" || exit $?
    # A header of version 1: its ninth and tenth byte count what follows them.
    header=$(od -An -t u2 -j 8 -N 2 "$temp/net.npy")
    tail -c +$((header + 11)) "$temp/net.npy" >"$temp/net"
    net=$(sha256sum <"$temp/net")
    net=${net%% *}
    mv "$temp/net" "$temp/net.$net"
}

# Finds the runs, folders SPLIT/NAME.SEED, and puts them into groups. A group is the runs of one name; but where
# these test different things, on splits of different kinds or with different networks, it is those of one kind
# of split, or else of one split, or else one run: such scores have no mean.
# Sets labels, one a group, and all_splits; group N has in $temp/N the files predictions (names), runs
# (split, seed, name of the folder), kind (of its splits) and net (text). $temp/divided: the names whose runs
# are not one group.
find_runs() {
    local file run files split name kind net number label before=0 n=0
    mapfile -t -d '' files < <(printf '%s\0' "$dir"/split/*/*.*[!.]/predictions.tsv | sort -zV)
    [ -n "${files[0]-}" ] || die 3 "${dir#./}: not a study: there is no split/SPLIT/NAME.SEED/predictions.tsv in it"
    for file in "${files[@]}"; do
        case $file in *[[:cntrl:]]*) die 3 "$file: control characters in the name" ;; esac
        [ -r "$file" ] || die 4 "$file: cannot read"
        [ "$(stat -Lc %s -- "$file")" -le $max_table ] || die 3 "$file: larger than $max_table bytes: no predictions"
        run=${file%/predictions.tsv}
        split=$(basename -- "${run%/*}")
        name=${run##*/}
        kind=$(kind_of "${run%/*}")
        net_of "$run"
        printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$(test_of "$file")" "$net" "$kind" "${name%.*}" "$split" "${name##*.}"
    done >"$temp/found"
    need_shown "$temp/found" "$dir"
    # The stages of the notebook come first, in their order. A / is in no name, so that keys are one group's.
    awk -F '\t' -v OFS='\t' -v divided="$temp/divided" '
        function key(level) {
            return level == 1 ? $4 : level == 2 ? $4 "//" $3 : $4 "/" $5 (level > 3 ? "/" $6 : "")
        }
        BEGIN { printf "" >divided }
        NR == FNR {
            for (level = 1; level <= 3; level++) {
                k = key(level)
                tested = $1 "/" $3
                if (!(k in mixed) && ((k in test && test[k] != tested) || ($2 != "-" && k in net && net[k] != $2))) {
                    mixed[k]
                    if (level == 1)
                        print $4 >divided
                }
                test[k] = tested
                if ($2 != "-") # without a model, any network may be behind a run
                    net[k] = $2
            }
            next
        }
        {
            level = 1
            while (level < 4 && (key(level) in mixed))
                level++
            k = key(level)
            if (!(k in group))
                group[k] = ++groups
            rank = index("baseline  augmented attention combined  ", sprintf("%-10s", $4))
            sub("//", "/", k)
            print rank ? rank : 99, group[key(level)], k, $2, $3, $5, $6, $4 "." $6
        }' "$temp/found" "$temp/found" | sort -s -t $'\t' -k 1,1n -k 2,2n | cut -f 2- >"$temp/grouped"
    labels=('')
    while IFS=$'\t' read -r number label net kind split run name; do
        if [ "$number" != "$before" ]; then
            labels+=("$label")
            n=$((n + 1))
            mkdir "$temp/$n"
            printf '%s\n' "$kind" >"$temp/$n/kind"
            : >"$temp/$n/net"
        fi
        before=$number
        [ "$net" = - ] || cp "$temp/net.$net" "$temp/$n/net"
        printf '%s\t%s\t%s\n' "$split" "$run" "$name" >>"$temp/$n/runs"
        printf '%s\n' "$dir/split/$split/$name/predictions.tsv" >>"$temp/$n/predictions"
    done <"$temp/grouped"
    groups=$n
    mapfile -t all_splits < <(cut -f 5 "$temp/found" | uniq)
    all_splits=("${all_splits[@]/#/$dir/split/}")
}

# enter N: what follows is of group N; without N, of the study
enter() {
    local names
    suffix='' of=''
    [ $# = 1 ] || return 0
    group=$temp/$1
    mapfile -t predictions <"$group/predictions"
    mapfile -t names < <(cut -f 1 "$group/runs" | uniq)
    splits=("${names[@]/#/$dir/split/}")
    if [ "$groups" -gt 1 ]; then suffix=-$1 of=$(escape ": ${labels[$1]}"); fi
}

# The figures of each group, what its models say of themselves, its worst utterances.
read_groups() {
    local n
    for ((n = 1; n <= groups; n++)); do
        enter $n
        inner ser-eval --tsv -- "${predictions[@]}" >"$group/eval" || exit $?
        need_shown "$group/eval" "$dir"
        read_models
        find_worst
        find_stage
    done
}

# ---- parts of a page ----

# shellcheck disable=SC2016 # awk's dollars
html='
function h(s) {
    gsub(/&/, "\\&amp;", s)
    gsub(/</, "\\&lt;", s)
    gsub(/>/, "\\&gt;", s)
    gsub(/"/, "\\&quot;", s)
    gsub(/\047/, "\\&#39;", s)
    return s
}
function per_cent(x) { return sprintf("%.1f %%", 100 * x) }
function range(low, high) { return low == "" ? "" : sprintf("%.1f to %.1f", 100 * low, 100 * high) }
'

escape() { # escape TEXT
    text=$1 awk "$html"' BEGIN { printf "%s", h(ENVIRON["text"]) }'
}

# table CAPTION <TSV: the first line has the columns; a name that ends in # is of a column of numbers,
# one in @ of names of files with HTML. What follows a line = stays below, however rows are sorted.
table() {
    caption="$1${generated:+ (generated speech)}" awk -F '\t' "$html"'
        function cell(tag, i, text) {
            return "<" tag (kind[i] == "#" ? " class=\"n\"" : "") (tag == "th" ? " scope=\"col\"" : "") ">" text "</" tag ">"
        }
        NR == 1 {
            print "<div class=\"scroll\"><table><caption>" h(ENVIRON["caption"]) "</caption>\n<thead><tr>"
            for (i = 1; i <= NF; i++) {
                kind[i] = substr($i, length($i))
                if (kind[i] == "#" || kind[i] == "@")
                    $i = substr($i, 1, length($i) - 1)
                print cell("th", i, h($i))
            }
            print "</tr></thead>\n<tbody>"
            columns = NF
            next
        }
        NF == 1 && $1 == "=" && columns > 1 {
            print "</tbody>\n<tfoot>"
            foot = 1
            next
        }
        {
            line = "<tr>"
            for (i = 1; i <= NF; i++)
                if (kind[i] == "@" && $i != "") {
                    print line "<td>"
                    while ((getline text <$i) > 0)
                        print text
                    close($i)
                    line = "</td>"
                } else
                    line = line cell("td", i, h($i))
            print line "</tr>"
        }
        END { print (foot ? "</tfoot>" : "</tbody>") "</table></div>" }'
}

section() { # section ID HEADING
    printf '</section>\n<section id="%s">\n<h2>%s</h2>\n' "$1$suffix" "$2$of"
}

links() { # links ID TEXT...
    printf '<a href="#%s">%s</a>\n' "$@"
}

# figure WHAT ARGUMENT...: a picture of ser-plot, described as WHAT. The ids in it become its own.
figure() {
    local what=$1
    shift
    inner ser-plot "$@" >"$temp/svg" || exit $?
    figures=$((figures + 1))
    printf '<figure>\n'
    what=$what id=f$figures- awk "$html"'
        /^<svg/ { on = 1 }
        !on || /^<title>/ { next }
        # Data stands in lines of text alone.
        !/<text>/ {
            gsub(/id=\047/, "&" ENVIRON["id"])
            gsub(/id="/, "&" ENVIRON["id"])
            gsub(/href=\047#/, "&" ENVIRON["id"])
            gsub(/url\(#/, "&" ENVIRON["id"])
        }
        /^<svg/ { $0 = "<svg role=\"img\" aria-label=\"" h(ENVIRON["what"]) "\"" substr($0, 5) }
        { print }' "$temp/svg"
    printf '<figcaption>%s</figcaption>\n</figure>\n' "$(escape "$what")"
}

# ---- sections ----

# Summary tiles, from the figures of all files together.
summary() {
    awk -F '\t' "$html"'
        FILENAME == ARGV[1] { runs++; next }
        $1 == "pooled" && $3 == "-" { v[$2] = $5 }
        $1 == "speaker" && $2 == "n" && $3 != "-" { speakers++ }
        function tile(name, value, more) {
            printf "<div><dt>%s</dt><dd>%s</dd>%s</div>\n", name, value, more == "" ? "" : "<dd class=\"more\">" more "</dd>"
        }
        function interval(m) {
            return (m "_low") in v ? range(v[m "_low"], v[m "_high"]) : ""
        }
        END {
            print "<dl class=\"tiles\">"
            tile("accuracy", per_cent(v["wa"]), interval("wa"))
            tile("unweighted recall", per_cent(v["ua"]), interval("ua"))
            tile("macro F1", per_cent(v["macro_f1"]), interval("macro_f1"))
            if ("ece" in v)
                tile("calibration error", sprintf("%.3f", v["ece"]))
            tile("predictions", v["n"], "of " (speakers ? speakers " speakers" : "unknown speakers"))
            tile(runs == 1 ? "model" : "models", runs)
            print "</dl>"
            print "<p>" ("wa_low" in v ? "The ranges are 95 % intervals from drawing speakers with replacement, all models together." : \
                "Fewer than five speakers were scored, too few for intervals.") \
                " Always naming the commonest emotion is right in " per_cent(most / v["n"]) ".</p>"
        }
        $1 == "pooled" && $2 == "support" && $5 > most { most = $5 }' "$group/runs" "$group/eval"
}

results() {
    section results Results
    if [ "$groups" -gt 1 ]; then
        printf '<nav>'
        links "pictures$suffix" Pictures
        [ "$worst" = 0 ] || links "worst$suffix" 'Worst-scored utterances'
        links "run$suffix" 'What was run'
        printf '</nav>\n'
        summary
    fi
    {
        printf 'split\tseed\tpredictions#\taccuracy, %%#\tunweighted recall, %%#\tmacro F1, %%#\tweighted F1, %%#\n'
        # The figures of a file come in its turn, ahead of those of all.
        awk -F '\t' -v OFS='\t' '
            NR == FNR { run[++runs] = $0; next }
            $1 == "pooled" && $2 == "n" && ++pooled && n == runs { done = 1 }
            !done && $3 == "-" && $2 == "n" { n++ }
            !done && $3 == "-" && n { v[n, $2] = $5 }
            $1 == "mean" { mean[$2] = $5 }
            $1 == "deviation" { deviation[$2] = $5 }
            function row(name, seed, n, a, b, c, d) {
                print name, seed, n, sprintf("%.1f", 100 * a), sprintf("%.1f", 100 * b), sprintf("%.1f", 100 * c), sprintf("%.1f", 100 * d)
            }
            END {
                for (i = 1; i <= runs; i++) {
                    split(run[i], part, "\t")
                    row(part[1], part[2], v[i, "n"], v[i, "wa"], v[i, "ua"], v[i, "macro_f1"], v[i, "weighted_f1"])
                }
                if (runs > 1) {
                    print "="
                    row("mean", "", "", mean["wa"], mean["ua"], mean["macro_f1"], mean["weighted_f1"])
                    row("deviation", "", "", deviation["wa"], deviation["ua"], deviation["macro_f1"], deviation["weighted_f1"])
                }
            }' "$group/runs" "$group/eval"
    } | table 'Scores of each model on its test part'
    {
        printf 'figure\tvalue#\t95 %% interval\n'
        awk -F '\t' -v OFS='\t' "$html"'
            $1 == "pooled" && $3 == "-" { v[$2] = $5 }
            function row(name, m) {
                if (m in v)
                    print name, per_cent(v[m]), (m "_low") in v ? range(v[m "_low"], v[m "_high"]) " %" : "–"
            }
            function plain(name, m) {
                if (m in v)
                    print name, sprintf("%.4f", v[m]), "–"
            }
            END {
                row("accuracy (weighted accuracy)", "wa")
                row("unweighted recall", "ua")
                row("macro F1", "macro_f1")
                row("weighted F1", "weighted_f1")
                row("truth among the two most probable", "top2")
                plain("log loss", "log_loss")
                plain("Brier score", "brier")
                plain("expected calibration error", "ece")
            }' "$group/eval"
    } | table 'All models together'
    groups emotion support 'By emotion'
    groups speaker '' 'By speaker'
    groups corpus '' 'By corpus'
    groups sex '' 'By sex'
}

# groups KIND SUPPORT CAPTION: the table of one way to divide the utterances, where there is one
groups() {
    if [ -n "$2" ]; then
        printf '%s\tpredictions#\trecall, %%#\tprecision, %%#\tF1, %%#\n' "$1"
        awk -F '\t' -v OFS='\t' '
            $1 == "pooled" && $2 ~ /^(support|recall|precision|f1)$/ {
                if ($2 == "precision")
                    name[++n] = $3
                v[$3, $2] = $5
            }
            END {
                for (i = 1; i <= n; i++)
                    print name[i], v[name[i], "support"], sprintf("%.1f", 100 * v[name[i], "recall"]), \
                        sprintf("%.1f", 100 * v[name[i], "precision"]), sprintf("%.1f", 100 * v[name[i], "f1"])
            }' "$group/eval"
    else
        printf '%s\tpredictions#\taccuracy, %%#\tunweighted recall, %%#\tmacro F1, %%#\n' "$1"
        kind=$1 awk -F '\t' -v OFS='\t' '
            $1 == ENVIRON["kind"] && $3 != "-" {
                if ($2 == "n")
                    name[++n] = $3
                v[$3, $2] = $5
            }
            END {
                for (i = 1; i <= n; i++)
                    print name[i], v[name[i], "n"], sprintf("%.1f", 100 * v[name[i], "wa"]), \
                        sprintf("%.1f", 100 * v[name[i], "ua"]), sprintf("%.1f", 100 * v[name[i], "macro_f1"])
            }' "$group/eval"
    fi >"$temp/group"
    # - alone: the column is not there
    if [ "$(wc -l <"$temp/group")" -gt 1 ] && [ "$(sed 1d "$temp/group" | cut -f 1)" != - ]; then table "$3" <"$temp/group"; fi
}

pictures() {
    local file run
    section pictures Pictures
    printf '<div class="figures">\n'
    figure 'Confusion: what each true emotion was taken for' confusion -- "${predictions[@]}"
    if awk -F '\t' '$2 == "bin_n" { found = 1 } END { exit !found }' "$group/eval"; then
        figure 'Reliability: how often predictions of a given confidence are right' reliability -- "${predictions[@]}"
    fi
    if awk -F '\t' '$1 == "speaker" && $3 != "-" { found = 1 } END { exit !found }' "$group/eval"; then
        figure 'Accuracy of each speaker' speakers -- "${predictions[@]}"
    fi
    for run in "${predictions[@]}"; do
        file=${run%/predictions.tsv}/log.tsv
        run=${file%/*}
        [ ! -e "$file" ] || figure "Training: ${run#"$dir"/split/}" curves -- "$file"
    done
    file=$dir/manifest.tsv
    if [ ${#splits[@]} = 1 ] && [ -e "${splits[0]}/manifest.tsv" ]; then file=${splits[0]}/manifest.tsv; fi
    if [ -e "$file" ] && [ -z "${pictured[$file]-}" ]; then
        figure 'Utterances of each emotion and speaker' manifest -- "$file"
        pictured[$file]=1
    fi
    printf '</div>\n'
}

# Sets $group/stage: which of the four stages of the original's study the group is like, if any.
find_stage() {
    local random=0 attention=0
    if [ "$(cat "$group/kind")" = 'random splits' ]; then random=1; fi
    if grep -q '^attention' "$group/net"; then attention=1; fi
    awk -F '\t' -v random=$random -v attention=$attention '
        $1 == "corpus" && $2 == "n" { corpus[$3]; corpora++ }
        $1 == "pooled" && $2 == "support" { classes++ }
        END {
            if (corpora == 1 && ("ravdess" in corpus) && classes == 8)
                print random ? "baseline" : attention ? "attention" : "augmented"
            if (!random && corpora == 3 && ("ravdess" in corpus) && ("savee" in corpus) && ("cremad" in corpus) && classes == 6)
                print "combined"
        }' "$group/eval" >"$group/stage"
}

# stage, test accuracy in per cent, emotions, data, remark
published='baseline	57.4	8	RAVDESS, random 70/15/15: voices of the test are known	its README says 60 to 65
augmented	13.3	8	RAVDESS, unseen speakers	it scored a stale file: chance
attention	60.6	8	RAVDESS, unseen speakers	
combined	50.5	6	RAVDESS, SAVEE, CREMA-D, unseen speakers	its README says 50 to 55'

# Of a study of several groups.
overview() {
    local n
    enter
    section overview Overview
    {
        printf 'name\taccuracy, %%#\tunweighted recall, %%#\tmacro F1, %%#\tpublished, %%#\t'
        printf 'models#\temotions#\tutterances#\tspeakers#\n'
        for ((n = 1; n <= groups; n++)); do
            enter $n
            label=${labels[n]} stage=$(cat "$group/stage") published=$published awk -F '\t' -v OFS='\t' "$html"'
                FNR == 1 { files++ }
                files == 1 && $1 == "pooled" && $3 == "-" { v[$2] = $5 }
                files == 1 && $1 == "pooled" && $2 == "support" { emotions++ }
                files == 1 { next }
                { sub(/\r$/, "") }
                FNR == 1 {
                    split("", at)
                    for (i = 1; i <= NF; i++)
                        at[$i] = i
                    next
                }
                $at["emotion"] == "-" { next }
                !($at["id"] in heard) { heard[$at["id"]]; utterances++ }
                ("speaker" in at) && $at["speaker"] != "-" && !($at["speaker"] in voice) { voice[$at["speaker"]]; speakers++ }
                function figure(m) {
                    return sprintf("%.1f", 100 * v[m]) ((m "_low") in v ? " (" range(v[m "_low"], v[m "_high"]) ")" : "")
                }
                END {
                    rows = split(ENVIRON["published"], row, "\n")
                    for (i = 1; i <= rows; i++) {
                        split(row[i], part, "\t")
                        if (part[1] == ENVIRON["stage"])
                            notebook = part[2] " (" part[1] ")"
                    }
                    print ENVIRON["label"], figure("wa"), figure("ua"), sprintf("%.1f", 100 * v["macro_f1"]), \
                        notebook == "" ? "–" : notebook, files - 1, emotions, utterances, speakers ? speakers : "–"
                }' "$group/eval" "${predictions[@]}"
        done
    } >"$temp/overview"
    enter
    table 'All models of each name together' <"$temp/overview"
    printf '<p>In brackets: 95 %% intervals from drawing speakers with replacement, where there are five or more. %s</p>\n' \
        'Published is the test accuracy of the original notebook, at the stage that is most like.'
    if [ -s "$temp/divided" ]; then
        printf '<p>Emotions, corpora, kinds of split or networks differ among the runs of: %s. %s</p>\n' \
            "$(escape "$(paste -s -d , "$temp/divided" | sed 's/,/, /g')")" 'Those that differ are not taken together.'
    fi
}

# The four stages of the original's study, with this study beside them.
comparison() {
    local n stage numeric='' remark='' utterances
    enter
    section comparison 'Beside the published figures'
    if [ -n "$generated" ]; then
        printf '<p>Generated speech is not compared with them.</p>\n'
        return
    fi
    if [ "$groups" = 1 ]; then numeric='#'; fi
    for ((n = 1; n <= groups; n++)); do
        stage=$(cat "$temp/$n/stage")
        [ -z "$stage" ] || label=${labels[n]} awk -F '\t' -v OFS='\t' -v stage="$stage" -v groups="$groups" '
            $1 == "pooled" && $2 == "wa" { print stage, sprintf("%.1f", 100 * $5) (groups > 1 ? " (" ENVIRON["label"] ")" : "") }' \
            "$temp/$n/eval"
    done >"$temp/ours"
    {
        printf 'stage\tpublished, %%#\tthis study, %%%s\temotions#\tdata\tremark\n' "$numeric"
        awk -F '\t' -v OFS='\t' '
            NR == FNR { ours[$1] = ours[$1] ($1 in ours && ours[$1] != "" ? ", " : "") $2; next }
            { print $1, $2, $1 in ours ? ours[$1] : "–", $3, $4, $5 }' "$temp/ours" - <<<"$published"
    } | table 'Test accuracy of the original notebook'
    if [ ! -s "$temp/ours" ]; then
        printf '<p>No stage of the original has the corpora and emotions of this study.</p>\n'
        return
    fi
    if [ -e "$dir/manifest.tsv" ] && cut -f 1 "$temp/ours" | grep -qvx combined; then
        utterances=$(awk -F '\t' '
            NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
            ("corpus" in at) && $at["corpus"] == "ravdess" { n++ }
            END { print n + 0 }' <"$dir/manifest.tsv")
        [ "$utterances" = 1440 ] ||
            remark=" The original had 1440 recordings of RAVDESS, this study has $utterances: not the same data."
    fi
    printf '<p>A figure of this study stands beside the stage whose corpora, split and network are most like.%s</p>\n' "$remark"
}

# What is in each part, by the certificate that ser-certificate has written.
contents() { # contents CERTIFICATE SPLIT
    need_shown "$1" "$1"
    {
        printf 'part\temotions\tcorpora\tSHA-256 of the ids\tof the audio\n'
        awk -F '\t' -v OFS='\t' '
            { sub(/\r$/, "") }
            $2 ~ /^(emotion|corpus)\./ {
                kind = substr($2, 1, index($2, ".") - 1)
                text = substr($2, index($2, ".") + 1) " " $3
                all[$1, kind] = all[$1, kind] (all[$1, kind] == "" ? "" : ", ") text
            }
            $2 ~ /^sha256\./ { all[$1, $2] = length($3) == 64 ? substr($3, 1, 16) "…" : $3 }
            END {
                k = split("train val test", part, " ")
                for (i = 1; i <= k; i++) {
                    p = part[i]
                    print p, all[p, "emotion"], all[p, "corpus"], all[p, "sha256.id"], all[p, "sha256.audio"]
                }
            }' <"$1"
    } | table "Contents of $2"
}

# Speakers and recordings of each part, and whether any is in two.
certificate() {
    local split found=''
    enter
    section split 'Split certificate'
    for split in "${all_splits[@]}"; do
        [ -e "$split/manifest.tsv" ] || continue
        need_shown "$split/manifest.tsv" "$split/manifest.tsv"
        found=1
        awk -F '\t' -v OFS='\t' '
            { sub(/\r$/, "") }
            NR == 1 {
                for (i = 1; i <= NF; i++)
                    at[$i] = i
                if (!("part" in at) || !("speaker" in at))
                    exit bad = 1
                next
            }
            {
                p = $at["part"]
                s = $at["speaker"]
                n[p]++
                if (!((p, s) in seen)) {
                    seen[p, s]
                    speakers[p]++
                    names[p] = names[p] (speakers[p] > 1 ? ", " : "") s
                    if (++parts[s] == 1)
                        everyone++
                    if (parts[s] == 2) {
                        shared++
                        who = who (shared > 1 ? ", " : "") s
                    }
                }
                if ("audio_hash" in at) {
                    a = $at["audio_hash"]
                    if (a != "-" && !((p, a) in heard)) {
                        heard[p, a]
                        if (++copies[a] == 2)
                            same++
                    }
                }
            }
            END {
                if (bad)
                    exit 1
                print (shared || same) ? "no" : "yes"
                print (everyone + 0) " speakers in all, " (shared + 0) " of them in more than one part" (shared ? ": " who : "")
                print ("audio_hash" in at) ? (same + 0) " recordings are in more than one part" : \
                    "recordings were not compared: the manifest has no column audio_hash"
                print "part", "speakers#", "utterances#", "who"
                k = split("train val test", part, " ")
                for (i = 1; i <= k; i++)
                    print part[i], speakers[part[i]] + 0, n[part[i]] + 0, names[part[i]]
            }' <"$split/manifest.tsv" >"$temp/split" || die 3 "$split/manifest.tsv: no columns part and speaker"
        verdict=$(sed -n 1p "$temp/split")
        disjoint='Parts overlap: scores flatter.'
        [ "$verdict" != yes ] || disjoint='No speaker is in two parts.'
        printf '<h3>%s</h3>\n<p class="%s"><strong>%s</strong> %s; %s.</p>\n' "$(escape "${split##*/}")" "$verdict" "$disjoint" \
            "$(escape "$(sed -n 2p "$temp/split")")" "$(escape "$(sed -n 3p "$temp/split")")"
        sed 1,3d "$temp/split" | table "Parts of ${split##*/}"
        [ ! -e "$split/certificate.tsv" ] || contents "$split/certificate.tsv" "${split##*/}"
    done
    [ -n "$found" ] || printf '<p>This study has no table of its split, so nothing is certified.</p>\n'
}

# Lines "attribute<tab>value" of all models; their checksums.
read_models() {
    local file bytes
    : >"$group/attributes"
    : >"$group/models"
    for file in "${predictions[@]}"; do
        file=${file%/predictions.tsv}/model.bin
        bytes=''
        if [ -e "$file" ]; then
            inner ser-tensor ls --header "$file" >"$temp/header" || exit $?
            sed 's/=/\t/; /^classes/s/,/, /g' "$temp/header" >>"$group/attributes"
            bytes=$(sha256sum <"$file")
        fi
        printf '%s\n' "${bytes%% *}" >>"$group/models"
    done
    need_shown "$group/attributes" "$dir"
    need_shown "$group/net" "$dir"
}

what_was_run() {
    local file
    section run 'What was run'
    {
        printf 'split\tseed\tepochs#\tbest epoch#\tvalidation accuracy, %%#\tSHA-256 of the model\n'
        paste "$group/runs" "$group/models" | while IFS=$'\t' read -r split seed folder bytes; do
            file=$dir/split/$split/$folder/log.tsv
            { [ ! -e "$file" ] || cat "$file"; } | split=$split seed=$seed bytes=${bytes:0:16} awk -F '\t' -v OFS='\t' '
                { sub(/\r$/, "") }
                NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
                ("best" in at) && $at["best"] == 1 { best = $at["epoch"]; accuracy = sprintf("%.1f", 100 * $at["val_accuracy"]) }
                END {
                    print ENVIRON["split"], ENVIRON["seed"], NR ? NR - 1 : "–", best == "" ? "–" : best, \
                        accuracy == "" ? "–" : accuracy, ENVIRON["bytes"] == "" ? "–" : ENVIRON["bytes"] "…"
                }'
        done
    } | table 'Models'
    if [ -s "$group/attributes" ]; then
        {
            printf 'attribute\tvalue\n'
            # The values that the models have, in their order.
            awk -F '\t' -v OFS='\t' '
                !(($1, $2) in seen) {
                    if (!($1 in all))
                        name[++n] = $1
                    all[$1] = all[$1] ($1 in all && all[$1] != "" ? "; " : "") $2
                    seen[$1, $2]
                }
                END {
                    for (i = 1; i <= n; i++)
                        print name[i], all[name[i]]
                }' "$group/attributes"
            printf 'ser-report\t%s\ngnuplot\t%s\n' "$version" "$(gnuplot --version | sed 's/^gnuplot //')"
        } | table 'Features, training and versions'
    fi
    if [ -s "$group/net" ]; then
        printf '<h3>Network</h3>\n<pre>%s</pre>\n' "$(escape "$(cat "$group/net")")"
    fi
}

# Sets generated to the corpora of the study that are generated speech; then no published figure is beside it.
find_generated() {
    local mark
    for mark in "$dir"/manifest/*.generated; do
        mark=${mark##*/}
        generated=$generated${generated:+, }${mark%.generated}
    done
    is_shown <<<"$generated" || die 3 "${dir#./}/manifest: a name that a page cannot show"
    [ -z "$generated" ] || published=''
}

# The command that the file NAME of options belongs to, as far as OPTIONS go, or what they are.
command_of() { # command_of NAME OPTIONS
    local run=${1%/options}
    case $1 in
    options/ravdess | options/savee | options/cremad) echo "ser-manifest --corpus ${1#*/} $2" ;;
    split/*/options/split) echo "ser-split $2" ;;
    split/*/options/augment) [ -z "$2" ] || echo "ser-augment --keep $2" ;;
    split/*/options/features) echo "ser-mfcc $2" ;;
    split/*/options) echo "ser-train --seed ${run##*.} --net $2" ;;
    *) echo "$2" ;;
    esac
}

# Sets $temp/options, empty if there are none.
read_options() {
    local file name text
    for file in "$dir"/options/* "$dir"/split/*/options/* "$dir"/split/*/*/options; do
        if [ -f "$file" ] && [ -s "$file" ]; then
            name=${file#"$dir"/}
            text=$(command_of "$name" "$(sed 's/\t/ /g' "$file" | paste -s -d ' ')")
            [ -z "$text" ] || printf '%s\t%s\n' "$name" "$text"
        fi
    done >"$temp/options"
    need_shown "$temp/options" "$dir/options"
}

pipeline() {
    [ -s "$temp/options" ] || return 0
    if [ "$groups" -gt 1 ]; then enter && section pipeline Pipeline; fi
    { printf 'options\tcommand or value\n' && cat "$temp/options"; } | table 'Commands of the pipeline, without names of files'
}

# Sets $group/worst: probability of the truth, id, truth, predicted, confidence, speaker, corpus,
# number of the run; one row an utterance, lowest probability first.
find_worst() {
    local file i=0
    for file in "${predictions[@]}"; do
        i=$((i + 1))
        awk -F '\t' -v OFS='\t' -v run=$i '
            { sub(/\r$/, "") }
            NR == 1 { for (k = 1; k <= NF; k++) at[$k] = k; probable = /\tp_/; next }
            function of(column, otherwise) {
                return (column in at) ? $at[column] : otherwise
            }
            $at["emotion"] != "-" && probable {
                print of("p_" $at["emotion"], 0), $at["id"], $at["emotion"], $at["predicted"], \
                    of("p_" $at["predicted"], 0), of("speaker", "-"), of("corpus", "-"), run
            }' <"$file"
    done | sort -s -t $'\t' -k 1,1g -k 2,2 | awk -F '\t' -v most="$worst" '!($2 in seen) && n < most { seen[$2]; n++; print }' \
        >"$group/worst"
}

# Sets path to where the recording of $group/worst's id lies, by the manifest of the run; to nothing if unknown.
path_of() { # path_of ID SPLIT
    path=''
    [ ! -e "$dir/split/$2/manifest.tsv" ] || path=$(id=$1 awk -F '\t' '
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        ("id" in at) && ("path" in at) && $at["id"] == ENVIRON["id"] { print $at["path"]; exit }' <"$dir/split/$2/manifest.tsv")
}

# player N PATH: $temp/audio.N becomes a player with the recording in it. That it is audio is
# looked at, lest a manifest put other files into a page that is passed on.
player() {
    local magic type bytes
    [ -n "$2" ] || die 3 "--with-audio: $id: the split's manifest has no path of it"
    { [ -f "$2" ] && [ -r "$2" ]; } || die 4 "$2: cannot read; run $tool where the pipeline ran, or without --with-audio"
    bytes=$(stat -L -c %s -- "$2")
    ((bytes <= max_audio)) || die 3 "$2: $bytes bytes, more than $max_audio: too large for a page"
    magic=$(head -c 12 -- "$2" | od -An -v -t x1 | tr -d ' \n')
    case $magic in
    52494646????????57415645) type=wav ;;
    664c6143*) type=flac ;;
    4f676753*) type=ogg ;;
    494433* | fff[23ab]*) type=mpeg ;;
    *) die 3 "$2: not WAV, FLAC, Ogg or MP3, which is what a page can play" ;;
    esac
    {
        printf '<audio controls="" preload="none" src="data:audio/%s;base64,' $type
        base64 -w 0 <"$2"
        printf '"></audio>'
    } >"$temp/audio.$1"
}

worst_utterances() {
    local p id truth predicted confidence speaker corpus run path split n=0 first_id='' first_split='' first_path='' first_run=1 model
    [ "$worst" != 0 ] || return 0
    section worst 'Worst-scored utterances'
    if [ ! -s "$group/worst" ]; then
        printf '<p>The predictions have no probabilities, so there is no order among them.</p>\n'
        return
    fi
    printf 'utterance%s\ttruth\tpredicted\tprobability of the truth#\tconfidence#\tspeaker\tcorpus\tmodel\trecording\n' \
        "${with_audio:+$'\t'listen@}" >"$temp/rows"
    while IFS=$'\t' read -r p id truth predicted confidence speaker corpus run; do
        n=$((n + 1))
        split=$(sed -n "${run}p" "$group/runs" | cut -f 1)
        path_of "$id" "$split"
        if [ $n = 1 ]; then first_id=$id first_split=$split first_path=$path first_run=$run; fi
        if [ -n "$with_audio" ]; then player $n "$path"; fi
        printf '%s\t%s\t%s\t%.3g\t%.3g\t%s\t%s\t%s\t%s\n' "$id${with_audio:+$'\t'$temp/audio.$n}" "$truth" "$predicted" \
            "$p" "$confidence" "$speaker" "$corpus" "$(sed -n "${run}p" "$group/runs" | cut -f 1,3 | tr '\t' /)" "$path" >>"$temp/rows"
    done <"$group/worst"
    need_shown "$temp/rows" "$dir"
    table 'Lowest probability of the truth, of any model' <"$temp/rows"
    # The worst of all is shown, as far as what it was made of is still there.
    printf '<div class="figures">\n'
    model=${predictions[first_run - 1]%/predictions.tsv}/model.bin
    if [ -e "$dir/split/$first_split/test.sert" ]; then
        figure "Features of $first_id" mfcc --key "$first_id" -- "$dir/split/$first_split/test.sert"
    fi
    if [ -n "$first_path" ] && [ -r "$first_path" ] && [ -e "$model" ]; then
        figure "Waveform of $first_id, and the emotion over time" wave --model "$model" --window 1 --step 0.25 -- "$first_path"
    fi
    printf '</div>\n'
}

# ---- the page ----

style='
:root { color-scheme: light dark; --ground: #fff; --text: #1b1b1b; --soft: #5a5a5a; --line: #d4d4d4; --band: #f4f5f7; --link: #0b57a4;
  --good: #17652f; --bad: #9a3412 }
@media (prefers-color-scheme: dark) { :root { --ground: #151515; --text: #e8e8e8; --soft: #a8a8a8; --line: #3c3c3c; --band: #202124;
  --link: #8ab8f0; --good: #7fd197; --bad: #ffab91 } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1rem; max-width: 84rem; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .5rem 0; overflow-wrap: anywhere }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; border-bottom: 1px solid var(--line) }
h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; overflow-wrap: anywhere }
p { max-width: 48rem; overflow-wrap: anywhere }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem }
a { color: var(--link) }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .6rem; margin: 1rem 0 }
.tiles div { background: var(--band); border-radius: .4rem; padding: .6rem .8rem }
.tiles dt { color: var(--soft); font-size: .875rem }
.tiles dd { margin: 0; font-size: 1.4rem; font-variant-numeric: tabular-nums }
.tiles dd.more { font-size: .875rem; color: var(--soft) }
.scroll { overflow-x: auto; margin: 1rem 0 }
table { border-collapse: collapse; width: max-content; font-size: .9rem; font-variant-numeric: tabular-nums }
caption { text-align: left; font-weight: 600; padding: .3rem 0; overflow-wrap: anywhere }
th, td { text-align: left; vertical-align: top; padding: .3rem .7rem; border-bottom: 1px solid var(--line); max-width: 26rem;
  overflow-wrap: break-word }
th { background: var(--band); vertical-align: bottom; position: relative }
th.n, td.n { text-align: right; white-space: nowrap }
th.n { white-space: normal }
td:first-child, th:first-child { position: sticky; left: 0 }
td:first-child { background: var(--ground) }
tfoot td { font-weight: 600 }
th button { all: unset; cursor: pointer }
th button::before { content: ""; position: absolute; inset: 0 }
th button:focus-visible::before { outline: 2px solid var(--link) }
th button::after { content: " \2195"; color: var(--soft) }
th[aria-sort=ascending] button::after { content: " \2191" }
th[aria-sort=descending] button::after { content: " \2193" }
audio { height: 2.2rem; width: 14rem }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 34rem), 1fr)); gap: 1.5rem }
figure { margin: 0; overflow-x: auto; min-width: 0 }
figure svg { display: block; width: 100%; min-width: 30rem; max-width: 44rem; height: auto }
figcaption { color: var(--soft); font-size: .9rem; position: sticky; left: 0; overflow-wrap: anywhere }
pre { background: var(--band); padding: .7rem; overflow-x: auto; font-size: .875rem }
.yes strong { color: var(--good) }
.no strong { color: var(--bad) }
@media screen and (prefers-color-scheme: dark) { figure svg { filter: invert(.9) hue-rotate(180deg) } }
@media screen and (max-width: 40rem) { th, td { padding: .3rem .45rem; max-width: 60vw } }
@media print {
  :root { color-scheme: light; --ground: #fff; --text: #000; --soft: #444; --line: #bbb; --band: #f0f0f0; --good: #000; --bad: #000 }
  body { max-width: none; padding: 0; font-size: 10pt }
  nav, audio { display: none }
  .scroll, figure { overflow: visible }
  table { width: auto; font-size: 8pt }
  th, td { padding: .15rem .35rem; max-width: 16rem }
  td:last-child { overflow-wrap: anywhere }
  th button { display: none }
  .figures { display: block }
  figure { margin: 0 0 1.5rem }
  figure, tr, .tiles { break-inside: avoid }
  figure svg { min-width: 0; max-width: 15cm }
  h2, h3, caption { break-after: avoid }
  thead { display: table-header-group }
}
'

# Heads of columns get buttons, which lie over all of them; numbers are compared as such, what is none comes
# last. The text stays outside: Chromium does not print buttons in the heads that it repeats on each page.
script="
document.querySelectorAll('table').forEach(function (table) {
  var body = table.tBodies[0], heads = table.tHead.rows[0].cells;
  Array.prototype.forEach.call(heads, function (head, column) {
    var button = document.createElement('button'), numbers = head.className === 'n';
    button.type = 'button';
    button.setAttribute('aria-label', 'sort by ' + head.textContent);
    head.appendChild(button);
    function value(row) {
      var text = row.cells[column].textContent;
      return numbers ? parseFloat(text) : text;
    }
    button.addEventListener('click', function () {
      var down = head.getAttribute('aria-sort') === 'ascending';
      var rows = Array.from(body.rows).sort(function (a, b) {
        var x = value(a), y = value(b), order;
        if (!numbers)
          order = x.localeCompare(y, 'en', { numeric: true });
        else if (isNaN(x) || isNaN(y))
          return isNaN(x) - isNaN(y);
        else
          order = x - y;
        return down ? -order : order;
      });
      Array.prototype.forEach.call(heads, function (h) { h.removeAttribute('aria-sort'); });
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      rows.forEach(function (row) { body.appendChild(row); });
    });
  });
});
"

# The one script is named by its hash: whatever else a page could be made to hold, it does not run.
policy() {
    local hash
    hash=$(printf '%s' "$script" | sha256sum)
    hash=$(sed 's/ .*//; s/../\\x&/g' <<<"$hash")
    hash=$(printf '%b' "$hash" | base64)
    printf '<meta http-equiv="Content-Security-Policy" content="'
    printf "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-%s'; media-src data:; img-src data:; " "$hash"
    printf "base-uri 'none'; form-action 'none'"
    printf '"/>\n'
}

one_group() {
    printf '<nav>'
    links results Results comparison 'Published figures' pictures Pictures
    [ "$worst" = 0 ] || links worst 'Worst-scored utterances'
    links split 'Split certificate' run 'What was run'
    printf '</nav>\n'
    enter 1
    summary
    results
    comparison
    pictures
    worst_utterances
    certificate
    what_was_run
    pipeline
}

several_groups() {
    local n
    printf '<nav>'
    links overview Overview comparison 'Published figures'
    for ((n = 1; n <= groups; n++)); do links results-$n "$(escape "${labels[n]}")"; done
    links split 'Split certificate'
    [ ! -s "$temp/options" ] || links pipeline Pipeline
    printf '</nav>\n'
    overview
    comparison
    for ((n = 1; n <= groups; n++)); do
        enter $n
        results
        pictures
        worst_utterances
        what_was_run
    done
    certificate
    pipeline
}

page() {
    local heading
    heading=$(escape "$title")
    printf '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
    policy
    printf '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n<title>%s</title>\n' "$heading"
    printf '<style>%s</style>\n</head>\n<body>\n<section>\n<h1>%s</h1>\n' "$style" "$heading"
    [ -z "$generated" ] || printf '<p class="no"><strong>Generated speech: %s.</strong> %s</p>\n' "$(escape "$generated")" \
        'This page says how the pipeline works, and nothing about real emotions.'
    if [ "$groups" = 1 ]; then one_group; else several_groups; fi
    printf '</section>\n<script>%s</script>\n</body>\n</html>\n' "$script"
}

figures=0
declare -A pictured # files whose picture is in the page

main() {
    begin
    options "$@"
    find_generated
    find_runs
    read_groups
    read_options
    page >"$temp/page"
    deliver "$temp/page"
    command exit # nothing is read after it
}

main "$@"
