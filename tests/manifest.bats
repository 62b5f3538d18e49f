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
    assert_equal "$(grep -c foreign: err)" 2
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
    assert_equal "$(grep -c 'foreign:' err)" 4
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
    ser-manifest s 2>&1 >m.tsv | grep -q '^ser-manifest: s/DC_a09.wav: '
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
    ser-manifest --strict r >m.tsv 2>err
    assert_equal "$(ids m.tsv)" ravdess_03-01-01-01-01-01-01
    assert_equal "$(cat err)" "ser-manifest: utterances: 1; files of song or video: 3"
}

@test "manifest: impossible names are reported, skipped, and refused by --strict" {
    put r/Actor_01/03-01-01-01-01-01-01.wav
    ser-manifest --strict r >good.tsv
    while read -r name what; do
        put "r/$name"
        ser-manifest r >m.tsv 2>err
        same m.tsv good.tsv
        grep -q -- "^ser-manifest: r/$name: .*$what" err || fail "$name: $(cat err)"
        grep -q 'impossible names: 1$' err || fail "$name is not counted: $(cat err)"
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

@test "manifest: foreign files are listed and counted, --strict refuses them" {
    put s/DC/a01.wav s/notes.txt s/song.wav s/DC/a1.wav s/DC/a001.wav s/.hidden/DC_a02.wav s/1001_DFA_ANG_XX_.wav
    mkfifo s/DC_a07.wav
    ser-manifest s >m.tsv 2>err
    assert_equal "$(ids m.tsv)" savee_DC_a01
    assert_equal "$(grep -o '^ser-manifest: [^:]*: foreign' err)" "\
ser-manifest: s/1001_DFA_ANG_XX_.wav: foreign
ser-manifest: s/DC/a001.wav: foreign
ser-manifest: s/DC/a1.wav: foreign
ser-manifest: s/DC_a07.wav: foreign
ser-manifest: s/notes.txt: foreign
ser-manifest: s/song.wav: foreign"
    grep -q 'utterances: 1; foreign files: 6$' err
    fails 3 'strict' ser-manifest --strict s
    for i in $(seq 30); do put "s/$i.txt"; done
    ser-manifest s 2>&1 >m.tsv | grep -q 'foreign files: 36 (the first 20 are listed)$'
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
    fails 2 "'sadness' is no emotion" ser-manifest --emotions sad,sadness s
    fails 2 "is no emotion" ser-manifest --drop '' s
    fails 2 "is no emotion" ser-manifest --drop sad, s
}

@test "manifest: known bad clips are dropped by name" {
    put c/{1006_TIE_HAP,1006_TIE_NEU,1006_TIE_SAD,1076_MTI_SAD}_XX.wav r/03-01-03-01-02-0{1,2}-07.wav
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
    fails 4 'file: is not a folder' ser-manifest file
    fails 3 'empty: no utterance' ser-manifest empty
    fails 2 'no folder' ser-manifest
    fails 2 'corpus' ser-manifest --corpus tess empty
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
