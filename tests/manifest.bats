# ser-manifest: names of the corpora to tables, and what it finds wrong.
load helper

# put FILE...: empty files, with their folders
put() {
    local f
    for f; do
        mkdir -p -- "$(dirname -- "$f")"
        : >"$f"
    done
}

# row ID FILE: the row of that utterance, fields separated by a blank
row() {
    awk -F'\t' -v id="$1" '$1 == id { gsub(/\t/, " "); print }' "$2"
}

ids() {
    tail -n +2 "$1" | cut -f 1
}

@test "manifest: RAVDESS names give every column" {
    put r/Actor_12/03-01-06-02-01-02-12.wav r/Actor_01/03-01-02-01-02-01-01.wav
    ser-manifest --corpus ravdess r >m.tsv
    assert_equal "$(head -n 1 m.tsv | tr '\t' ' ')" \
        "id path corpus speaker sex emotion intensity statement repetition"
    assert_equal "$(row ravdess_03-01-06-02-01-02-12 m.tsv)" \
        "ravdess_03-01-06-02-01-02-12 r/Actor_12/03-01-06-02-01-02-12.wav ravdess ravdess_12 female fearful strong 01 02"
    assert_equal "$(row ravdess_03-01-02-01-02-01-01 m.tsv)" \
        "ravdess_03-01-02-01-02-01-01 r/Actor_01/03-01-02-01-02-01-01.wav ravdess ravdess_01 male calm normal 02 01"
}

@test "manifest: RAVDESS' eight emotion codes" {
    for e in 01 02 03 04 05 06 07 08; do put "r/03-01-$e-01-01-01-09.wav"; done
    ser-manifest r >m.tsv
    assert_equal "$(cut -f 6 m.tsv | tail -n +2 | xargs)" \
        "neutral calm happy sad angry fearful disgust surprised"
}

@test "manifest: both layouts of SAVEE, sa and su before s" {
    put s/DC/{a,d,f,h,n,sa,su}01.wav s/KL_sa15.wav s/JE/n30.wav s/JK/JK_su03.wav
    ser-manifest --corpus savee s >m.tsv
    assert_equal "$(tail -n +2 m.tsv | awk -F'\t' '{ print $1 ":" $4 ":" $5 ":" $6 ":" $7 ":" $8 }')" "\
savee_DC_a01:savee_DC:male:angry:-:a01
savee_DC_d01:savee_DC:male:disgust:-:d01
savee_DC_f01:savee_DC:male:fearful:-:f01
savee_DC_h01:savee_DC:male:happy:-:h01
savee_DC_n01:savee_DC:male:neutral:-:n01
savee_DC_sa01:savee_DC:male:sad:-:sa01
savee_DC_su01:savee_DC:male:surprised:-:su01
savee_JE_n30:savee_JE:male:neutral:-:n30
savee_JK_su03:savee_JK:male:surprised:-:su03
savee_KL_sa15:savee_KL:male:sad:-:sa15"
}

@test "manifest: a speaker's folder is known by its name also from inside" {
    put s/DC/a01.wav
    cd s/DC
    ser-manifest . >../../m.tsv
    assert_equal "$(row savee_DC_a01 ../../m.tsv | cut -d ' ' -f 2)" ./a01.wav
    ser-manifest ../DC/ >../../m.tsv
    assert_equal "$(row savee_DC_a01 ../../m.tsv | cut -d ' ' -f 2)" ../DC/a01.wav
}

@test "manifest: CREMA-D names, and sexes that its table tells" {
    put c/1001_IEO_ANG_HI.wav c/1002_IEO_DIS_MD.wav c/1003_IEO_FEA_LO.wav c/1091_DFA_HAP_XX.wav \
        c/1090_WSI_NEU_XX.wav c/1089_TAI_SAD_XX.wav
    ser-manifest --corpus cremad c >m.tsv
    assert_equal "$(tail -n +2 m.tsv | awk -F'\t' '{ print $1 ":" $4 ":" $5 ":" $6 ":" $7 ":" $8 ":" $9 }')" "\
cremad_1001_IEO_ANG_HI:cremad_1001:male:angry:high:IEO:-
cremad_1002_IEO_DIS_MD:cremad_1002:female:disgust:medium:IEO:-
cremad_1003_IEO_FEA_LO:cremad_1003:female:fearful:low:IEO:-
cremad_1089_TAI_SAD_XX:cremad_1089:female:sad:-:TAI:-
cremad_1090_WSI_NEU_XX:cremad_1090:male:neutral:-:WSI:-
cremad_1091_DFA_HAP_XX:cremad_1091:female:happy:-:DFA:-"
}

@test "manifest: auto reads all three, the table is the same in any order of folders" {
    put r/Actor_02/03-01-01-01-01-01-02.wav s/DC/a01.wav c/1001_DFA_ANG_XX.wav
    ser-manifest r s c >1.tsv
    ser-manifest c r s >2.tsv
    same 1.tsv 2.tsv
    assert_equal "$(ids 1.tsv | xargs)" "cremad_1001_DFA_ANG_XX ravdess_03-01-01-01-01-01-02 savee_DC_a01"
    ser-manifest --corpus savee r s c >3.tsv 2>err
    assert_equal "$(ids 3.tsv)" savee_DC_a01
    assert_equal "$(grep -c 'not of the corpus: [^0-9]' err)" 2
}

@test "manifest: -o writes the same as standard output" {
    put s/DC/a01.wav
    ser-manifest s >1.tsv
    ser-manifest -o 2.tsv s
    same 1.tsv 2.tsv
}

@test "manifest: every extension, in capitals too" {
    put s/DC/{a01.WAV,a02.Flac,a03.aiff,a04.AIF,a05.ogg,a06.au,a07.w64,a08.caf}
    ser-manifest s >m.tsv
    assert_equal "$(ids m.tsv | wc -l)" 8
}

@test "manifest: hostile names stay names" {
    put 's/a "b'\''c/DC/a01.wav' 's/$(touch x);rm -rf */DC_a02.wav' $'s/\xff\xfe/DC_a03.wav' \
        's/-rf/DC_a04.wav' 's/$(touch x).wav' 's/;rm.wav' 's/--help.wav' $'s/tab\tand\nnewline.wav'
    ser-manifest s >m.tsv 2>err
    assert_equal "$(ids m.tsv | xargs)" "savee_DC_a01 savee_DC_a02 savee_DC_a03 savee_DC_a04"
    cut -f 2 m.tsv | tail -n +2 | while read -r path; do [ -f "$path" ]; done
    assert_equal "$(grep -c 'not of the corpus: [^0-9]' err)" 4
    [ ! -e x ]
    cd s/-rf
    ser-manifest -- ../-rf >../../m.tsv
    assert_equal "$(ids ../../m.tsv)" savee_DC_a04
}

@test "manifest: a path with a tab or a newline is refused by name" {
    put $'t/a\tb/DC_a01.wav' $'n/a\nb/DC_a01.wav'
    fails 3 'n/a.x0ab/DC_a01.wav: .*newline' ser-manifest n
    fails 3 't/a.x09b/DC_a01.wav: .*tab' ser-manifest t
}

@test "manifest: links work, loops end, a path does not depend on where a link lies" {
    put s/zz/DC/a01.wav elsewhere/JE/a01.wav file/x.wav
    ln -s ../.. s/zz/DC/up
    ln -s zz s/aa
    ln -s ../elsewhere/JE s/JE
    ln -s . s/self
    mkdir s/KL
    ln -s ../../file/x.wav s/KL/a01.wav
    ser-manifest s >m.tsv 2>err
    assert_equal "$(cut -f 1,2 m.tsv | tail -n +2 | tr '\t' ' ')" "\
savee_DC_a01 s/zz/DC/a01.wav
savee_JE_a01 s/JE/a01.wav
savee_KL_a01 s/KL/a01.wav"
    ln -s nowhere s/DC_a09.wav
    ser-manifest s 2>&1 >m.tsv | grep -q '^ser-manifest: s/DC_a09.wav: broken link: '
    ln -s s link
    ser-manifest link >m2.tsv 2>err
    assert_equal "$(ids m2.tsv | wc -l)" 3
}

@test "manifest: a second name of one id is refused" {
    put s/DC/a01.wav s/DC_a01.wav
    fails 3 'DC_a01.wav: .*savee_DC_a01.*s/DC/a01.wav' ser-manifest s
    rm s/DC_a01.wav
    put s/DC/a01.flac
    fails 3 'savee_DC_a01' ser-manifest s
}

@test "manifest: song and video are skipped and counted, --strict lets them pass" {
    put r/Actor_01/03-01-01-01-01-01-01.wav r/Actor_01/03-02-01-01-01-01-01.wav \
        r/Actor_01/02-01-01-01-01-01-01.wav r/Actor_01/01-01-01-01-01-01-01.wav
    ser-manifest -q --strict r >m.tsv 2>err
    assert_equal "$(ids m.tsv)" ravdess_03-01-01-01-01-01-01
    assert_equal "$(cat err)" "ser-manifest: utterances: 1; songs or videos: 3"
}

@test "manifest: invalid names are reported, skipped, and refused by --strict" {
    put r/Actor_01/03-01-01-01-01-01-01.wav
    ser-manifest --strict r >good.tsv
    while read -r name what; do
        put "r/$name"
        ser-manifest r >m.tsv 2>err
        same m.tsv good.tsv
        grep -q -- "^ser-manifest: r/$name: .*$what" err || fail "$name: $(cat err)"
        grep -q 'invalid names: 1$' err || fail "$name is not counted: $(cat err)"
        fails 3 "$what" ser-manifest --strict r
        rm "r/$name"
    done <<'END'
Actor_01/03-01-01-01-01-01-02.wav another actor
Actor_25/03-01-01-01-01-01-25.wav 25
Actor_00/03-01-01-01-01-01-00.wav 00
Actor_01/03-01-09-01-01-01-01.wav emotion
Actor_01/03-01-00-01-01-01-01.wav emotion
Actor_01/03-01-01-02-01-01-01.wav neutral
Actor_01/03-01-02-03-01-01-01.wav intensity
Actor_01/03-01-02-01-03-01-01.wav statement
Actor_01/03-01-02-01-01-00-01.wav repetition
Actor_01/04-01-02-01-01-01-01.wav modality
Actor_01/03-03-02-01-01-01-01.wav channel
XX_a01.wav DC, JE
a01.wav no speaker
DC/KL_a01.wav another speaker
DC/s01.wav emotion
DC/sx01.wav emotion
DC/a16.wav 15
DC/sa00.wav 15
DC/n31.wav 30
1000_DFA_ANG_XX.wav 1091
1092_DFA_ANG_XX.wav 1091
1001_XXX_ANG_XX.wav sentence
1001_DFA_CAL_XX.wav emotion
1040_ITH_SAD_X.wav level
1001_DFA_ANG_YY.wav level
END
}

@test "manifest: files that are not of the corpus are listed and counted, --strict refuses them" {
    put s/DC/a01.wav s/notes.txt s/song.wav s/DC/a1.wav s/DC/a001.wav s/.hidden/DC_a02.wav s/1001_DFA_ANG_XX_.wav
    mkfifo s/DC_a07.wav
    ser-manifest s >m.tsv 2>err
    assert_equal "$(ids m.tsv)" savee_DC_a01
    assert_equal "$(grep -o '^ser-manifest: s/[^:]*: not of the corpus' err)" "\
ser-manifest: s/1001_DFA_ANG_XX_.wav: not of the corpus
ser-manifest: s/DC/a001.wav: not of the corpus
ser-manifest: s/DC/a1.wav: not of the corpus
ser-manifest: s/DC_a07.wav: not of the corpus
ser-manifest: s/notes.txt: not of the corpus
ser-manifest: s/song.wav: not of the corpus"
    grep -q 'utterances: 1; not of the corpus: 6$' err
    fails 3 'strict' ser-manifest --strict s
    for i in $(seq 30); do put "s/$i.txt"; done
    ser-manifest s 2>&1 >m.tsv | grep -q 'not of the corpus: 36 (the first 20 are listed)$'
}

@test "manifest: emotions are kept and dropped" {
    put s/DC/{a,d,f,h,n,sa,su}01.wav
    ser-manifest --emotions sad,angry s >m.tsv
    assert_equal "$(ids m.tsv | xargs)" "savee_DC_a01 savee_DC_sa01"
    ser-manifest --drop surprised,happy,calm s >m.tsv
    assert_equal "$(ids m.tsv | xargs)" "savee_DC_a01 savee_DC_d01 savee_DC_f01 savee_DC_n01 savee_DC_sa01"
    ser-manifest --emotions sad,angry --drop sad s >m.tsv
    assert_equal "$(ids m.tsv)" savee_DC_a01
    fails 3 'no utterance' ser-manifest --emotions calm s
    fails 2 "'sadness' is not an emotion" ser-manifest --emotions sad,sadness s
    fails 2 "is not an emotion" ser-manifest --drop '' s
    fails 2 "is not an emotion" ser-manifest --drop sad, s
}

@test "manifest: known bad clips are dropped by name" {
    put c/{1006_TIE_HAP,1006_TIE_NEU,1006_TIE_SAD,1076_MTI_SAD}_XX.wav r/Actor_07/03-01-03-01-02-0{1,2}-07.wav
    ser-manifest --strict c r >m.tsv 2>err
    assert_equal "$(ids m.tsv | xargs)" "cremad_1006_TIE_SAD_XX ravdess_03-01-03-01-02-01-07"
    assert_equal "$(grep -c ': quarantined: ' err)" 4
    ser-manifest --no-quarantine c r >m.tsv
    assert_equal "$(ids m.tsv | wc -l)" 6
    printf 'id\treason\ncremad_1006_TIE_SAD_XX\tcough\nno_such_clip\tnone\n' >q.tsv
    ser-manifest --quarantine q.tsv c r >m.tsv 2>err
    assert_equal "$(ids m.tsv | wc -l)" 5
    grep -q '^ser-manifest: c/1006_TIE_SAD_XX.wav: quarantined: cough$' err
    fails 3 "no column 'reason'" ser-manifest --quarantine <(printf 'id\n') c
    fails 2 'exclude' ser-manifest --quarantine q.tsv --no-quarantine c
}

@test "manifest: what cannot be read is named, with a way out" {
    mkdir empty
    put file
    fails 4 'nowhere: no such folder: .ser-fetch ravdess DIR' ser-manifest --corpus ravdess nowhere
    fails 4 'nowhere: .*registration' ser-manifest --corpus savee nowhere
    fails 4 'nowhere: .*ser-fetch cremad' ser-manifest --corpus cremad nowhere
    fails 4 'file: is not a folder: give the folder that holds it' ser-manifest file
    fails 3 'empty: holds no utterance .*0, and no audio file' ser-manifest empty
    put d/corpus.zip
    fails 4 'd/corpus.zip: is not a folder: unpack it$' ser-manifest d/corpus.zip
    put d/talk.webm d/notes.txt
    run -3 ser-manifest d
    assert_line 'ser-manifest: d/corpus.zip: not of the corpus: its extension is not that of an audio file: unpack it'
    assert_line "ser-manifest: d/talk.webm: not of the corpus: its extension is not that of an audio file: convert it, for \
example with 'ffmpeg -i IN OUT.wav'"
    assert_line 'ser-manifest: d/notes.txt: not of the corpus: its extension is not that of an audio file'
    put own/hello.wav
    fails 3 'own: holds no utterance of a known corpus .*read with --corpus folders$' ser-manifest own
    put msp/MSP-PODCAST_0001_0008.wav
    run -3 ser-manifest msp
    assert_line 'ser-manifest: msp: its names could be those of msp-podcast, which is read with its table Labels/labels_concensus.csv: that is not there'
    fails 4 'msp: has no table iemocap-labels.tsv, .*: manifests/iemocap.corpus$' ser-manifest --corpus iemocap msp
    put s/DC/a01.wav
    fails 3 '^ser-manifest: s: no utterance is left of 1, with --emotions calm$' ser-manifest -q --emotions calm s
    fails 3 '^ser-manifest: s and the other folders: no utterance is left of 1, with --drop angry$' \
        ser-manifest -q --drop angry s empty
    fails 2 'no folder' ser-manifest
    fails 2 "'nosuch' is neither auto.* cremad.* ravdess" ser-manifest --corpus nosuch empty
}

@test "manifest: a folder that may not be read is named" {
    local plain=()
    [ "$(id -u)" != 0 ] || plain=(setpriv --bounding-set=-all --inh-caps=-all) # root, but without root's rights
    put s/DC/a01.wav s/JE/a01.wav
    chmod 0 s/JE
    fails 4 's/JE: cannot read the folder' "${plain[@]}" ser-manifest s
    chmod 700 s/JE
}

@test "manifest: the tables of manifests/ agree with each other" {
    cd "$ROOT/manifests"
    for c in ravdess savee cremad; do
        assert_equal "$(awk -F'\t' -v c=$c '$1 == c && $2 != "-" { n += $3 } END { print n }' counts.tsv)" \
            "$(awk -F'\t' -v c=$c '$1 == c && $2 == "-" { print $3 }' counts.tsv)"
        for f in $c-notebook.tsv $c-folds?.tsv; do
            diff <(cut -f 1 $f | tail -n +2 | sort) \
                <(awk -F'\t' -v c=$c '$1 == c && $2 != "-" { print $2 }' counts.tsv | sort)
        done
    done
    same <(tail -q -n +2 {ravdess,savee,cremad}-notebook.tsv) <(tail -n +2 combined-notebook.tsv)
    diff <(cut -f 1 cremad-actors.tsv) <(cut -f 1 cremad-folds5.tsv)
    assert_equal "$(cut -f 2 cremad-actors.tsv | sort | uniq -c | xargs)" "43 female 48 male 1 sex"
}

@test "manifest: the descriptions count and sex as the tables do" {
    for a in {1001..1091}; do put "all/${a}_IEO_ANG_XX.wav"; done
    put all/{DC,JE,JK,KL}/a01.wav
    for a in {01..24}; do put "all/Actor_$a/03-01-01-01-01-01-$a.wav"; done
    ser-manifest all >m.tsv 2>err
    cut -f 4,5 m.tsv | sed -n '/^cremad/p' | diff - <(tail -n +2 "$ROOT/manifests/cremad-actors.tsv")
    awk -F'\t' '$1 ~ /^ravdess/ { print $1, $5 }' m.tsv | sed -E 's/.*([0-9]) /\1 /; s/[13579] male/good/; s/[02468] female/good/' |
        uniq -c | grep -q '^ *24 good$'
    run -3 bash -c 'ser-manifest --check all >m.tsv 2>err' # the files are empty: no utterance is left
    sed -n 's/^ser-manifest: \([a-z]*_[0-9A-Z]*\): has 1 clips, should have \([0-9]*\)$/\1\t\2/p' err | sort |
        diff - <(awk -F'\t' -v OFS='\t' 'NR > 1 && $2 != "-" { print $2, $3 }' "$ROOT/manifests/counts.tsv" | sort)
}

@test "manifest: each folder is judged as a whole, and the choice is told" {
    put both/x/DC/a0{1,2}.wav both/1001_DFA_ANG_XX.wav
    ser-manifest both 2>&1 >m.tsv | same - <(cat <<'END'
ser-manifest: both: read as savee (Surrey Audio-Visual Expressed Emotion: audio): files whose names it reads: 2 of 3
ser-manifest: both: read as cremad (Crowd-sourced Emotional Multimodal Actors Dataset): files whose names it reads: 1 of 3
END
    )
    assert_equal "$(ids m.tsv | xargs)" "cremad_1001_DFA_ANG_XX savee_DC_a01 savee_DC_a02"
    cat >two.corpus <<'END'
corpus one
title First
pattern /x([0-9]+)$
groups speaker
set emotion sad
corpus two
title Second
pattern /x([0-9])$
groups speaker
set emotion happy
END
    put t/x1.wav t/x2.wav
    fails 2 'one \(First\) or of two \(Second\).* equally: 2: give --corpus one or --corpus two' ser-manifest --corpus two.corpus t
    put t/x11.wav
    ser-manifest --corpus two.corpus t >m.tsv 2>err
    assert_equal "$(ids m.tsv | xargs)" "one_x1 one_x11 one_x2"
}

# wrong LINE PATTERN TEXT: a description whose line is wrong for that reason
wrong() {
    printf '%b' "$3" >wrong.corpus
    put d/x1.wav
    fails 3 "wrong.corpus: line $1: .*$2" ser-manifest --corpus wrong.corpus d
}

@test "manifest: readme files, tables of the corpus and traces of systems are nobody's fault" {
    put s/DC/a01.wav s/.DS_Store s/DC/._a01.wav s/Thumbs.db s/desktop.ini s/README s/DC/ReadMe.txt
    ser-manifest -q --strict s >m.tsv 2>err
    assert_equal "$(ids m.tsv)" savee_DC_a01
    assert_equal "$(cat err)" "ser-manifest: utterances: 1; readme files and traces of systems: 6"
    put s/readmenot.txt
    fails 3 'strict' ser-manifest --strict s
    printf 'corpus t\npattern /(x)$\ngroups id\ntable t.csv k={id} e=emotion\n' >t.corpus
    put t/x.wav
    printf 'k,e\nx,sad\n' >t/t.csv
    ser-manifest --strict --corpus t.corpus t >m.tsv 2>err
    [ ! -s err ] || fail "$(cat err)"
    put t/t2.csv
    fails 3 't/t2.csv: not of the corpus' ser-manifest --strict --corpus t.corpus t
}

@test "manifest: a folder that repeats another is named once, and left out with --check" {
    wav r/Actor_01/03-01-03-01-01-01-01.wav 1
    wav r/Actor_01/03-01-04-01-01-01-01.wav 2
    wav r/Actor_02/03-01-05-01-01-01-02.wav 3
    mkdir r/Audio
    cp -r r/Actor_01 r/Actor_02 r/Audio
    fails 3 'ids that come twice: 3.*--check leaves out copies' ser-manifest r
    ser-manifest --corpus ravdess --check r >m.tsv 2>err
    assert_equal "$(cut -f 2 m.tsv | tail -n +2 | xargs)" \
        "r/Actor_01/03-01-03-01-01-01-01.wav r/Actor_01/03-01-04-01-01-01-01.wav r/Actor_02/03-01-05-01-01-01-02.wav"
    assert_equal "$(grep -c 'byte by byte' err)" 1
    grep -qx 'ser-manifest: r/Audio: repeats r byte by byte: left out, files: 3' err
    grep -q 'ravdess_01: has 2 clips' err
    grep -q '; copies: 3;' err
    printf x >>r/Audio/Actor_02/03-01-05-01-01-01-02.wav
    fails 3 'r/Audio/Actor_02/03-01-05-01-01-01-02.wav: has the id .*, like r/Actor_02/.*twice: 1' ser-manifest --check r
}

@test "manifest: the copies that Kaggle spreads: RAVDESS with its tree twice, SAVEE flat" {
    local actor
    for actor in 01 02; do
        wav ravdess-emotional-speech-audio/Actor_$actor/03-01-03-01-01-01-$actor.wav 1$actor
        wav ravdess-emotional-speech-audio/Actor_$actor/03-01-08-02-02-02-$actor.wav 2$actor
    done
    mkdir ravdess-emotional-speech-audio/audio_speech_actors_01-24
    cp -r ravdess-emotional-speech-audio/Actor_0? ravdess-emotional-speech-audio/audio_speech_actors_01-24
    ser-manifest --check ravdess-emotional-speech-audio >m.tsv 2>err
    assert_equal "$(ids m.tsv | xargs)" "ravdess_03-01-03-01-01-01-01 ravdess_03-01-03-01-01-01-02 ravdess_03-01-08-02-02-02-01 ravdess_03-01-08-02-02-02-02"
    assert_equal "$(cut -f 2 m.tsv | grep -c audio_speech)" 0
    grep -qx 'ser-manifest: ravdess-emotional-speech-audio/audio_speech_actors_01-24: repeats .* byte by byte: left out, files: 4' err
    fails 3 'ids that come twice: 4' ser-manifest ravdess-emotional-speech-audio
    for speaker in DC JE JK KL; do
        wav surrey/ALL/${speaker}_a01.wav 1
        wav surrey/ALL/${speaker}_su15.wav 2
    done
    touch surrey/ALL/.DS_Store surrey/Thumbs.db surrey/readme.txt
    ser-manifest --strict surrey >m.tsv 2>err
    assert_equal "$(ids m.tsv | xargs)" "savee_DC_a01 savee_DC_su15 savee_JE_a01 savee_JE_su15 savee_JK_a01 savee_JK_su15 savee_KL_a01 savee_KL_su15"
    assert_equal "$(cut -f 4,5,6 m.tsv | sed -n '$p' | tr '\t' ' ')" 'savee_KL male surprised'
    grep -q 'read as savee .*: 8 of 8$' err
}

@test "manifest: emotions get other names, and variants are told" {
    put s/DC/{a,d,f,h,n,sa,su}01.wav
    ser-manifest -q --map fearful=afraid,sad=low,disgust=low,afraid=x s 2>err >m.tsv || grep -q "labelled 'afraid'" err
    ser-manifest -q --map fearful=afraid,sad=low,disgust=low s >m.tsv
    assert_equal "$(cut -f 6 m.tsv | tail -n +2 | xargs)" "angry low afraid happy neutral low surprised"
    ser-manifest -q --map fearful=afraid --emotions afraid s >m.tsv
    assert_equal "$(ids m.tsv)" savee_DC_f01
    printf 'from\tto\nsad\tangry\nangry\tsad\nunheard\tof\n' >map.tsv
    ser-manifest -q --map map.tsv s >m.tsv
    assert_equal "$(cut -f 6 m.tsv | tail -n +2 | xargs)" "sad disgust fearful happy neutral angry surprised"
    fails 2 "no recording is labelled 'glad'" ser-manifest -q --map glad=happy s
    fails 2 'FROM=TO' ser-manifest -q --map sad=low,happy s
    fails 2 'FROM=TO' ser-manifest -q --map sad= s
    fails 4 'No such file' ser-manifest -q --map nowhere.tsv s
    printf 'corpus w\npattern /([^/]*)/([0-9]+)$\ngroups emotion repetition\nset id {emotion}{repetition}\n' >w.corpus
    put w/Sad/1.wav 'w/sad /2.wav' w/sad/3.wav w/glad/4.wav
    ser-manifest --corpus w.corpus --emotions sad,Sad w >m.tsv 2>err
    assert_equal "$(ids m.tsv | xargs)" "w_Sad1 w_sad3"
    assert_equal "$(grep -c 'differ in case or blanks only' err)" 3
    grep -qx "ser-manifest: the emotions 'Sad' and 'sad' differ in case or blanks only: --map 'Sad=sad' makes them one" err
    ser-manifest --corpus w.corpus --map "Sad=sad,sad =sad" w 2>&1 >m.tsv | same - /dev/null
    assert_equal "$(cut -f 6 m.tsv | sort | uniq -c | xargs)" "1 emotion 1 glad 3 sad"
    fails 2 "'mad' is not an emotion of these recordings, which are: Sad glad sad sad" ser-manifest --corpus w.corpus --drop mad w
}

@test "manifest: a description of one's own" {
    cat >mine.corpus <<'END'
# what a name does not tell is in a table
corpus mine
column age room
pattern /(r[0-9])?/?([a-z]+)([0-9]+)_([a-z]*)$
groups room speaker number emotion
table people.csv name={speaker} age=age "born in"=place trim
parity sex number male female
modulo repetition number 10
band intensity number 1-9=low 10-99=high
when emotion= other nothing is felt
when place=Rome emotion!=joy
    set statement {speaker} of
    {place}
code emotion joy=happy grief=sad "*"=neutral
END
    printf '\xef\xbb\xbfname,age,born in\r\n bob , 40 ,"Rome"\r\neve,"3""1",Paris\n' >d.csv
    put d/r1/bob7_grief.wav d/r1/bob12_joy.wav d/r2/eve1_what.wav d/eve2_.wav d/ann1_joy.wav
    fails 4 'd: has no table people.csv' ser-manifest --corpus mine.corpus d
    mv d.csv d/people.csv
    ser-manifest --corpus mine.corpus d >m.tsv 2>err
    tr '\t' '|' <m.tsv | same - <(cat <<'END'
id|path|corpus|speaker|sex|emotion|intensity|statement|repetition|age|room
mine_bob12_joy|d/r1/bob12_joy.wav|mine|mine_bob|female|happy|high|-|2|40|r1
mine_bob7_grief|d/r1/bob7_grief.wav|mine|mine_bob|male|sad|low|bob of Rome|7|40|r1
mine_eve1_what|d/r2/eve1_what.wav|mine|mine_eve|male|neutral|low|-|1|3"1|r2
END
    )
    grep -qx "ser-manifest: d/ann1_joy.wav: people.csv has no row for 'ann'" err
    grep -q 'songs or videos: 1' err
    printf 'name,age,born in\nbob,1,x\nbob,2,x\n' >d/people.csv
    fails 3 "people.csv: two rows for 'bob' that differ in age: '1', '2'" ser-manifest --corpus mine.corpus d
    printf 'name,age\nbob,1\n' >d/people.csv
    fails 3 "people.csv: has no column 'born in'" ser-manifest --corpus mine.corpus d
}

@test "manifest: folders are labels" {
    put f/Happy/p1_a.wav f/sad/p2_a.wav f/sad/more/p1_b.wav f/q.wav
    ser-manifest --corpus folders f 2>err | cut -f 1,4,6 | tr '\t' ' ' | same - <(cat <<'END'
id speaker emotion
folders_Happy/p1_a - Happy
folders_q - -
folders_sad/more/p1_b - more
folders_sad/p2_a - sad
END
    )
    ser-manifest --corpus folders --label-from 'f/([^/]+)/' --speaker-from '/(p[0-9])_[^/]*$' f 2>err | cut -f 1,4,6 | tr '\t' ' ' |
        same - <(cat <<'END'
id speaker emotion
folders_Happy/p1_a folders_p1 Happy
folders_sad/more/p1_b folders_p1 sad
folders_sad/p2_a folders_p2 sad
END
    )
    grep -qx 'ser-manifest: f/q.wav: its path has no label' err
    fails 2 "^ser-manifest: --label-from: 'happy' has no group: .* is the label$" ser-manifest --corpus folders --label-from happy f
    for regex in '[(]x' '[]()]' '[[:alpha:](]' 'a\(b\)' '[^](]'; do
        fails 2 "^ser-manifest: --speaker-from: .* has no group: .* is the speaker$" \
            ser-manifest --corpus folders --speaker-from "$regex" f
    done
    fails 2 '^ser-manifest: --speaker-from: .*: POSIX expressions have no \\d: write \[0-9\]$' \
        ser-manifest --corpus folders --speaker-from '/(p\d)_' f
    fails 2 ': POSIX expressions have no \(\?...\): write \( \)$' ser-manifest --corpus folders --speaker-from '/(?:p)(\w)_' f
    fails 3 "ser-manifest: f: --label-from 'nowhere\(label\)' finds a label in the path of none of its 4 recordings: " \
        ser-manifest --corpus folders --label-from 'nowhere(label)' f
    mkdir g && touch g/{1..25}.wav
    fails 3 "a label in the path of none of its 25 recordings: " ser-manifest --corpus folders --label-from 'nowhere(label)' g
    [ "$(grep -c 'its path has no label' <<<"$stderr")" = 20 ] # the first ones
    ser-manifest --corpus folders --speaker-from '/(q)$' f 2>err | cut -f 4 | sort | uniq -c | xargs |
        same - <(echo 3 - 1 folders_q 1 speaker)
    grep -q "^ser-manifest: --speaker-from: '/(q)\$' tells no speaker of 3 of 4 recordings, such as 'f/Happy/p1_a': " err
    assert_equal "$(grep -c 'is in no folder of a label' err)" 1
    grep -q '^ser-manifest: f/q.wav: is in no folder of a label, .*(recordings of this kind: 1): ' err
    # What is no audio file is no fault of a corpus; a folder - is no label; a known corpus is known.
    put f/-/r.wav f/notes.txt
    ser-manifest --corpus folders f/ 2>err | cut -f 1,6 | grep -qx 'folders_-/r	-'
    grep -qx 'ser-manifest: f/notes.txt: left out: its extension is not that of an audio file' err
    grep -qx 'ser-manifest: utterances: 5; no recordings: 1' err
    if grep 'named like' err; then fail 'no known corpus'; fi
    put wav/{03a01Fa,03a01Nc,16b10Wb}.wav
    ser-manifest --corpus FOLDERS . 2>err >m.tsv
    if grep 'named like' err; then fail 'not all of a known corpus'; fi
    fails 3 '^ser-manifest: wav: all of its files are named like those of emodb \(.*\): --corpus emodb \(in own.mk CORPUS=emodb\) ' \
        ser-manifest --corpus folders wav
    ser-manifest --corpus folders --label-from '/([^/]+)/[^/]*$' wav 2>err | cut -f 6 | xargs | same - <(echo emotion wav wav wav)
    ser-manifest --corpus EmoDB wav 2>/dev/null | cut -f 6 | xargs | same - <(echo emotion happy neutral angry)
    fails 2 'Unmatched|[Pp]arenthes' ser-manifest --corpus folders --speaker-from '(p' f
    fails 2 'one line' ser-manifest --corpus folders --speaker-from $'(p)\nset emotion sad' f
    fails 2 'only with --corpus folders' ser-manifest --label-from '(p)' f
}

@test "manifest: a folder of generated speech is marked" {
    put s/DC/a01.wav s/DC/sa02.wav t/JE/a01.wav linked/a03.wav
    mkdir s/.generated
    ln -s ../../linked/a03.wav s/DC/a03.wav
    ln -s ../linked s/KL
    ser-manifest s t 2>err | cut -f 1,10 | tr '\t' ' ' | same - <(cat <<'END'
id generated
savee_DC_a01 yes
savee_DC_a03 yes
savee_DC_sa02 yes
savee_JE_a01 -
savee_KL_a03 yes
END
    )
    ser-manifest --corpus folders --label-from '/([^/]+)/[^/]*$' t | head -1 >none
    assert_equal "$(cut -f 9- none)" repetition
    # The mark counts for all folders below its own.
    mkdir above && mv s linked above
    assert_equal "$(ser-manifest --corpus savee above 2>err | cut -f 10 | xargs)" "generated yes yes yes"
    mv above/s s && touch above/.generated && rmdir s/.generated && mv s above
    assert_equal "$(ser-manifest --corpus savee above 2>err | cut -f 10 | xargs)" "generated yes yes yes"
    # A corpus that has the column keeps it once.
    printf '%s\n' 'corpus c' 'title C' 'pattern /[^/]*$' 'column generated' 'set id {below}' 'set emotion sad' 'set speaker x' 'set generated espeak' >c.corpus
    ser-manifest --corpus c.corpus t >own.tsv
    assert_equal "$(cut -f 10 own.tsv | xargs)" "generated espeak"
}

@test "manifest: what is wrong with a description is told by file and line" {
    wrong 1 "begins with 'corpus NAME', not with 'title'" 'title T\n'
    wrong 2 'no pattern' 'corpus x\ntitle T'
    wrong 2 'Unmatched|[Pp]arenthes' 'corpus x\npattern /((x[0-9])$\n'
    wrong 3 '2 are named, the pattern has 1|only 1' 'corpus x\npattern /(x[0-9])$\ngroups a b\n'
    wrong 3 'groups is missing' 'corpus x\npattern /(x[0-9])$\npattern /y$\n'
    wrong 3 "unknown statement 'paint'" 'corpus x\npattern /x1$\npaint it\n'
    wrong 3 'a pattern comes first|there is no variable' 'corpus x\n\nset emotion sad\n'
    wrong 3 "no variable 'mood'" 'corpus x\npattern /x1$\nset emotion {mood}\n'
    wrong 3 'braces do not pair' 'corpus x\npattern /x1$\nset emotion {id\n'
    wrong 3 'LOW HIGH' 'corpus x\npattern /x1$\nrange id 5 1\n'
    wrong 4 'twice' 'corpus x\npattern /x1$\n\ncorpus x\npattern /x2$\n'
    wrong 2 'has a column .speaker' 'corpus x\ncolumn speaker\n'
    wrong 2 'back-references' 'corpus x\npattern /(x)\\1$\n'
    wrong 2 'repeats more than' 'corpus x\npattern /(x{999}){999}$\n'
    wrong 2 'repeats more than' 'corpus x\npattern /x++++++++++++++++$\n'
    wrong 2 'expected a number of clips' 'corpus x\ncount many\n'
    wrong 2 'more than 2000 speakers' 'corpus x\ncount 1 0000-1999 0001\n'
    wrong 3 'below the folder' 'corpus x\npattern /x1$\ntable ../t.csv a={stem}\n'
    wrong 5 "unknown statement 'odd'" 'corpus x\npattern /x1$\nset emotion\n  sad\nodd\n'
    : >empty.corpus
    fails 3 'empty.corpus: describes no corpus' ser-manifest --corpus empty.corpus d
    fails 4 'nowhere.corpus: .*No such file' ser-manifest --corpus nowhere.corpus d
}

# wav FILE N: four samples of 16 bit at 8 kHz, the last two tell N
wav() {
    local low high
    printf -v low '\\x%02x' $(($2 % 256))
    printf -v high '\\x%02x' $(($2 / 256))
    [ -d "${1%/*}" ] || mkdir -p "${1%/*}"
    # shellcheck disable=SC2059 # the bytes are the format
    printf "RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\x08\0\0\0\0\x40\0\xc0$low\0$high\0" >"$1"
}

# A whole SAVEE; by a shell of its own, since Bats traces every command of this one.
savee() {
    export -f wav
    bash -eu -c 'n=0
        for s in DC JE JK KL; do
            for e in a d f h n sa su; do
                last=15
                [ $e != n ] || last=30
                for ((i = 1; i <= last; i++)); do
                    printf -v name "savee/%s/%s%02d.wav" $s $e $i
                    wav "$name" $((++n))
                done
            done
        done'
}

@test "manifest: --check passes a whole corpus, in silence, for any number of jobs" {
    savee
    ser-manifest --corpus savee --check --strict savee >m.tsv 2>err
    [ ! -s err ] || fail "$(cat err)"
    assert_equal "$(ids m.tsv | wc -l)" 480
    assert_equal "$(head -n 1 m.tsv | cut -f 10)" audio_hash
    assert_equal "$(tail -n +2 m.tsv | cut -f 10 | grep -cE '^[0-9a-f]{16}$')" 480
    ser-manifest savee | same - <(cut -f 1-9 m.tsv)
    for j in 1 2 7; do ser-manifest --check --jobs $j savee | same - m.tsv; done
}

@test "manifest: --check counts clips and speakers" {
    savee
    rm savee/JK/n30.wav
    rm -r savee/DC
    ser-manifest --corpus savee --check savee 2>&1 >m.tsv | same - <(printf '%s\n' \
        'ser-manifest: savee_JK: has 119 clips, should have 120' \
        'ser-manifest: speakers without any clip: savee_DC' \
        'ser-manifest: utterances: 359; wrong counts: 2')
    assert_equal "$(ids m.tsv | wc -l)" 359
    fails 3 'savee_JK: has 119' ser-manifest --check --strict savee
    # It counts before it leaves out what is not asked for, and says so.
    ser-manifest --check --emotions sad savee 2>&1 >/dev/null | tail -n 2 | same - <(printf '%s\n' \
        'ser-manifest: speakers without any clip: savee_DC' \
        'ser-manifest: utterances: 45; wrong counts: 2; other emotions, left out after these checks: 314')
    ser-manifest --strict savee | same - <(cut -f 1-9 m.tsv)
}

# damaged FILE WHAT SUMMARY: --check reports and drops it
damaged() {
    ser-manifest --check s >m.tsv 2>err
    grep -q "^ser-manifest: s/DC/$1: $2" err || fail "$(cat err)"
    grep -q "; $3: 1$" err || fail "$(cat err)"
    assert_equal "$(ids m.tsv)" savee_DC_a01
    fails 3 "s/DC/$1: $2" ser-manifest --check --strict s
    ser-manifest s >m.tsv
    assert_equal "$(ids m.tsv | wc -l)" 2
    rm "s/DC/$1"
}

@test "manifest: --check finds what cannot be decoded" {
    wav s/DC/a01.wav 1
    : >s/DC/a02.wav
    damaged a02.wav '' unreadable
    head -c 20 s/DC/a01.wav >s/DC/a02.wav
    damaged a02.wav '' unreadable
    head -c 50 s/DC/a01.wav >s/DC/a02.wav
    damaged a02.wav '' unreadable
    echo 'no audio at all' >s/DC/a02.flac
    damaged a02.flac '' unreadable
    printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 79056\n' 0 >s/DC/a02.wav
    damaged a02.wav 'a Git LFS pointer.*git lfs pull' unreadable
}

# Root reads everything: another user does it then, in a folder that is everybody's.
@test "manifest: what the system fails to read makes no smaller table" {
    local folder as=()
    folder=$(mktemp -d /tmp/ser-test-XXXXXX)
    [ "$(id -u)" != 0 ] || as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    chmod 755 "$folder"
    mkdir -p "$folder/s/DC"
    wav "$folder/s/DC/a01.wav" 1
    wav "$folder/s/DC/a02.wav" 2
    chmod 000 "$folder/s/DC/a02.wav"
    if "${as[@]}" ser-manifest --version; then
        fails 4 "files that could not be opened or read: 1: no table is written" "${as[@]}" ser-manifest --check "$folder/s"
    else
        echo "# left out: a file that may not be read; another user cannot run the tools here" >&3
    fi
    rm -r "$folder"
}

@test "manifest: --check finds silence, a constant, and next to nothing" {
    wav s/DC/a01.wav 1
    sox -n -r 8000 -b 16 s/DC/a02.wav trim 0 0.1
    damaged a02.wav silent silent
    printf '\0\x40%.0s' {1..100} | sox -t raw -r 8000 -e signed -b 16 -c 1 - s/DC/a02.wav
    damaged a02.wav silent silent
    sox -D -n -r 8000 -b 16 s/DC/a02.wav synth 0.1 sine 400 gain -61
    damaged a02.wav silent silent
    sox -n -r 8000 -b 16 s/DC/a02.wav trim 0 0
    damaged a02.wav '' unreadable
    sox -D -n -r 8000 -b 16 s/DC/a02.wav synth 0.1 sine 400 gain -59
    ser-manifest --check s >m.tsv 2>err
    assert_equal "$(ids m.tsv | wc -l)" 2
}

@test "manifest: --check keeps the first of duplicates, and none that contradict each other" {
    wav s/DC/a01.wav 1
    for f in DC/a02 JE/a01 DC/f01; do wav "s/$f.wav" 1; done
    for f in JE/h01 DC/h02 DC/h01; do wav "s/$f.wav" 2; done
    sox s/DC/h01.wav s/KL_h05.flac # the samples count, not the bytes of the file
    sox s/DC/h01.wav -c 2 s/KL_h06.wav
    wav s/DC/n01.wav 3
    ser-manifest --check s >m.tsv 2>err
    assert_equal "$(ids m.tsv | xargs)" "savee_DC_h01 savee_DC_n01"
    grep ' the same audio as ' err | sort >found
    same found <(sort <<'END'
ser-manifest: s/DC/a01.wav: has the same audio as savee_DC_f01, which is labelled fearful: none of them is kept
ser-manifest: s/DC/a02.wav: has the same audio as savee_DC_a01, which is labelled angry: none of them is kept
ser-manifest: s/DC/f01.wav: has the same audio as savee_DC_a01, which is labelled angry: none of them is kept
ser-manifest: s/JE/a01.wav: has the same audio as savee_DC_a01, which is labelled angry: none of them is kept
ser-manifest: s/DC/h02.wav: has the same audio as savee_DC_h01, which is kept
ser-manifest: s/JE/h01.wav: has the same audio as savee_DC_h01, which is kept
ser-manifest: s/KL_h05.flac: has the same audio as savee_DC_h01, which is kept
ser-manifest: s/KL_h06.wav: has the same audio as savee_DC_h01, which is kept
END
    )
    grep -q '; duplicates: 4; contradictory duplicates: 4$' err
    ser-manifest --check --drop fearful s | cut -f 1 | same - <(printf 'id\nsavee_DC_h01\nsavee_DC_n01\n')
    sox -r 16000 s/DC/n01.wav s/DC/n02.wav # the same samples, but at another rate, are another recording
    ser-manifest --check s 2>err | cut -f 1 | tail -n 1 | same - <(echo savee_DC_n02)
    # A copy without a label contradicts none, and does not stand for one with a label.
    wav u/x.wav 5
    wav u/happy/y.wav 5
    wav u/-/z.wav 5
    ser-manifest --corpus folders --check u 2>err | cut -f 1,6 | same - <(printf 'id\temotion\nfolders_happy/y\thappy\n')
    grep -q '^ser-manifest: u/x.wav: has the same audio as folders_happy/y, which is kept$' err
    wav u/sad/y.wav 5
    fails 3 'duplicates: 4' ser-manifest --corpus folders --check u
}

@test "manifest: audio_hash is what the manual says" {
    # XXH3-64 of 64-bit 8000 and 3000, then i * 37 % 4001 - 2000 over 32768 as 32-bit floats, packed by Python's
    # struct and hashed by XXH3_64bits in one piece
    mkdir -p s/DC
    awk 'BEGIN { for (i = 0; i < 3000; i++) { v = (i * 37 % 4001) - 2000 + 65536; printf "%c%c", v % 256, int(v / 256) % 256 } }' |
        sox -t raw -r 8000 -e signed -b 16 -c 1 - s/DC/a01.wav
    ser-manifest --check s | cut -f 10 | same - <(printf 'audio_hash\n21855feeb431ca96\n')
}

@test "manifest: the real RAVDESS" {
    if [ -z "${SER_DATA:-}" ]; then
        echo "# without SER_DATA: the real recordings are left out" >&3
        return
    fi
    ser-manifest --corpus ravdess --no-quarantine "$SER_DATA/ravdess" >m.tsv
    assert_equal "$(ids m.tsv | wc -l)" 1200
    assert_equal "$(cut -f 6 m.tsv | sort | uniq -c | xargs)" \
        "160 angry 160 calm 160 disgust 1 emotion 160 fearful 160 happy 80 neutral 160 sad 160 surprised"
    ser-manifest --corpus ravdess --check --no-quarantine "$SER_DATA/ravdess/Actor_07" >m.tsv 2>err
    assert_equal "$(grep -v 'without any clip' err)" "\
ser-manifest: $SER_DATA/ravdess/Actor_07/03-01-03-01-02-02-07.flac: has the same audio as ravdess_03-01-03-01-02-01-07, which is kept
ser-manifest: utterances: 59; wrong counts: 1; duplicates: 1"
}

# ---- a table of one's own ----

own() { # own: recordings beside which a table may lie
    mkdir -p 'my rec/sub'
    wav 'my rec/a.wav' 1
    wav 'my rec/sub/ü 2.wav' 2
    wav 'my rec/c.wav' 3
}

columns=path=file,emotion=label,speaker=who

@test "manifest: --table reads what pandas, Excel and Numbers write, all alike" {
    own
    printf 'id\tpath\tcorpus\tspeaker\tsex\temotion\tintensity\tstatement\trepetition\tnote\n' >expected
    printf '%s\tmy rec/%s\ttable\t%s\t-\t%s\t-\t-\t-\t%s\n' a.wav a.wav Anna froh 'said "no", left' \
        c.wav c.wav - - - 'sub/ü 2.wav' 'sub/ü 2.wav' Béla 'sehr wütend' x >>expected
    # pandas: the number of the row in front, in a column without a name
    printf '%s\n' ,file,label,who,note '0,a.wav,froh,Anna,"said ""no"", left"' '1,c.wav,,,' \
        '2,sub/ü 2.wav,sehr wütend,Béla,x' >'my rec/pandas.csv'
    # Excel: a mark, semicolons, CRLF, blanks, and what was deleted at the end
    printf '\xef\xbb\xbffile;label;who;note\r\n./a.wav;froh ;Anna;"said ""no"", left"\r\nc.wav;;-;\r\n%s\r\n;;;\r\n\r\n' \
        ' sub/ü 2.wav;sehr wütend;Béla; x' >'my rec/excel.csv'
    # Unicode text, both ways round; and tabs with CR alone, as Text (Macintosh)
    tr , '\t' <'my rec/pandas.csv' | sed 's/no"""*.*$/no"", left"/' >'my rec/tabs.tsv'
    { printf '\xff\xfe' && iconv -f UTF-8 -t UTF-16LE 'my rec/tabs.tsv'; } >'my rec/little.txt'
    { printf '\xfe\xff' && iconv -f UTF-8 -t UTF-16BE 'my rec/pandas.csv'; } >'my rec/big.csv'
    tr '\n' '\r' <'my rec/tabs.tsv' >'my rec/mac.txt'
    for table in 'my rec'/*.{csv,tsv,txt}; do
        ser-manifest --table "$table" --columns "$columns" >m.tsv 2>err || fail "$table: $(<err)"
        same m.tsv expected
    done
    [ ! -s err ]
    ser-manifest --table - --columns "$columns" <'my rec/pandas.csv' >m.tsv 2>err || :
    grep -q '^ser-manifest: <stdin>: line 2: a.wav: no such file' err
    (cd 'my rec' && ser-manifest --table - --columns "$columns" <pandas.csv | cut -f 2) | same - \
        <(printf '%s\n' path a.wav c.wav 'sub/ü 2.wav')
}

@test "manifest: --table with a line end in quotes, an id of its own, a corpus, and columns that clash" {
    own
    printf '%s\n' 'id,path,file,corpus,emotion,label,audio_hash' '"x",nowhere,a.wav,mine,1,"two' 'lines",f' \
        'y,nowhere,c.wav,,2,sad,f' >'my rec/m.csv'
    ser-manifest --table 'my rec/m.csv' --columns path=file,emotion=label >m.tsv
    same m.tsv <(printf '%s\n' \
        'id	path	corpus	speaker	sex	emotion	intensity	statement	repetition	audio_hash' \
        'x	my rec/a.wav	mine	-	-	two lines	-	-	-	f' 'y	my rec/c.wav	-	-	-	sad	-	-	-	f')
    ser-manifest --check --table 'my rec/m.csv' --columns path=file,emotion=label |
        cut -f 10 | head -n 2 | grep -Ez '^audio_hash.[0-9a-f]{16}.$'
}

@test "manifest: --table works with --map, --emotions, --drop, --check and --strict" {
    own
    cp 'my rec/a.wav' 'my rec/like-a.wav'
    printf '%s\n' file,label a.wav,Wut like-a.wav,Wut c.wav,Ruhe 'sub/ü 2.wav,Ruhe' >'my rec/m.csv'
    at() { ser-manifest --table 'my rec/m.csv' --columns path=file,emotion=label "$@"; }
    at --map Wut=angry --emotions angry | cut -f 6 | same - <(printf '%s\n' emotion angry angry)
    at --drop Ruhe | cut -f 1 | same - <(printf '%s\n' id a.wav like-a.wav)
    at --check 2>err | cut -f 1 | same - <(printf '%s\n' id a.wav c.wav 'sub/ü 2.wav')
    grep -q 'like-a.wav: has the same audio as a.wav, which is kept' err
    fails 3 'strict is given' at --check --strict
    at --strict >m.tsv 2>err
    [ ! -s err ]
    echo gone.wav,Wut >>'my rec/m.csv'
    at >m.tsv 2>err
    same err <(echo "ser-manifest: my rec/m.csv: line 6: gone.wav: no such file, neither beside the table nor from the current folder
ser-manifest: utterances: 4; files that are not there: 1")
    fails 3 'strict is given' at --strict
}

@test "manifest: --table refuses what it cannot read, and says where" {
    own
    bad() { # bad CODE PATTERN TEXT [OPTION...]
        printf "$3" >'my rec/m.csv'
        fails "$1" "$2" ser-manifest --table 'my rec/m.csv' "${@:4}"
    }
    bad 3 "my rec/m.csv: no column 'path' \(there are: 'file', 'label'\): --columns path=NAME" 'file,label\na.wav,x\n'
    bad 3 "no column 'labl' \(there are: 'file', 'label'\)" 'file,label\na.wav,x\n' --columns path=file,emotion=labl
    bad 2 "expected OURS=THEIRS" 'file\na.wav\n' --columns path
    bad 2 "comes twice" 'file,g\na.wav,g\n' --columns path=file,path=g
    bad 2 "comes twice" 'file,g\na.wav,g\n' --columns path=file,emotion=file
    bad 3 "two columns are named 'x'" 'path,x,x\na.wav,1,2\n'
    bad 3 'line 3: has 1 fields, the header has 2' 'path,emotion\na.wav,x\nc.wav\n'
    bad 3 'line 4: a quote is opened and never closed' 'path,emotion\n"a.wav","x\ny"\nc.wav,"z\n'
    bad 3 "line 4: 'a.wav' is on line 2 already" 'path,emotion\na.wav,x\nc.wav,y\n./a.wav,z\n'
    bad 3 "line 3: 'k' is on line 2 already: .* an id of its own" 'path,id\na.wav,k\nc.wav,k\n'
    bad 3 "line 2: the column 'emotion' is not UTF-8 text .*WINDOWS-1252" 'path,emotion\na.wav,\xfc\n'
    bad 3 'the name of column 2 is not UTF-8 text' 'path,\xfc\na.wav,x\n'
    bad 3 'line 2: .*a path with a tab or a newline' 'path\n"a\n.wav"\n'
    bad 3 'names no recording that is there' 'path\nb.wav\n'
    bad 3 'line 2: sub: Is a directory' 'path\nsub\n'
    bad 3 "line 2: sub.ü 2.wav: .*separated by /" 'path\nsub\\ü 2.wav\n'
    bad 3 "emotion 'a, b' has a comma" 'path,emotion\na.wav,"a, b"\n'
    bad 3 'empty input' '\n\n'
    bad 3 'half a character' '\xff\xfea'
    fails 2 'only with --table' ser-manifest --columns path=file .
    fails 2 'takes the place' ser-manifest --table 'my rec/m.csv' .
    fails 2 'takes the place' ser-manifest --table 'my rec/m.csv' --corpus folders
    printf 'file,label\na.wav,x\n' >hint.csv
    fails 2 "^ser-manifest: --columns: 'file=path' is the wrong way round: .*: path=file$" \
        ser-manifest --table hint.csv --columns file=path,emotion=label
    fails 2 "^ser-manifest: --columns: commas separate pairs, not semicolons: 'file;emotion=label'$" \
        ser-manifest --table hint.csv --columns 'path=file;emotion=label'
    fails 4 'nowhere.csv: .*No such file' ser-manifest --table nowhere.csv
    printf 'path\na.wav\n' >'my rec/m.csv'
    ser-manifest --table 'my rec/m.csv' 2>err | cut -f 6 | same - <(printf '%s\n' emotion -)
    grep -q "no column 'emotion' (there are: 'path'): no recording has a label; --columns emotion=NAME" err
    fails 2 'would be written over the input' ser-manifest --table 'my rec/m.csv' -o 'my rec/m.csv'
}
