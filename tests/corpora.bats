#!/usr/bin/env bats
# The descriptions of corpora: what they make of names, a few of each kind here, and all where lists of real files are.
load helper

# paths CORPUS: what its description makes of the paths on standard input
paths() {
    "$BUILD/unit/name_paths" "$1" "$ROOT/manifests/$1.corpus"
}

# The path of a file | what comes out: good, the corpus, id, speaker, sex, emotion; or why not
cases() {
    cat <<'END'
sadness/s20 (6).wav|good|aesdd|aesdd_s20_6|aesdd_6|male|sad
disgust/d03 (01).wav|good|aesdd|aesdd_d03_1|aesdd_1|female|disgust
Bonus/actor_50/03-02-04-02-22-50-04-01-00-14-05.wav|good|asvp-esd|asvp-esd_03-02-04-02-22-50-04-01-00-14-05|asvp-esd_50|male|sad
03-01-09-01-02-82-02-04.wav|good|asvp-esd|asvp-esd_03-01-09-01-02-82-02-04|asvp-esd_82|male|excited
Actor 5/03-01-05-01-03-02-25.wav|good|banglaser|banglaser_03-01-05-01-03-02-25|banglaser_25|male|neutral
Actor_05/03-01-05-01-01-02-05.wav|bad|banglaser|the folder 'Actor_05' is named as RAVDESS names its own
CaFE_48k/Tristesse/Fort/12-T-2-6.wav|good|cafe|cafe_12-T-2-6|cafe_12|female|sad
01-N-2-1.wav|bad|cafe|neutral has one intensity only, 1, not '2'
zhaozuoxiang/surprise/250.wav|good|casia|casia_zhaozuoxiang_surprise_250|casia_zhaozuoxiang|-|surprised
CASIA/angry/201-angry-ZhaoZuoxiang.wav|good|casia|casia_zhaozuoxiang_angry_201|casia_zhaozuoxiang|-|angry
AudioWAV/1091_WSI_SAD_XX.wav|good|cremad|cremad_1091_WSI_SAD_XX|cremad_1091|female|sad
1-2-1-3-17.wav|good|kbes|kbes_1-2-1-3-17|kbes_3|male|neutral
IndoWaveSentiment/07-03-02-03.wav|good|indowave|indowave_07-03-02-03|indowave_07|male|surprised
11-03-02-03.wav|bad|indowave|speaker is 1 to 10, not '11'
F1/disgust/free/F1_disgust_free_01.wav|good|jvnv|jvnv_F1_disgust_free_01|jvnv_F1|female|disgust
Acted/wav/F1/01/FOY0101ANT0.wav|good|ogvc|ogvc_FOY0101ANT0|ogvc_FOY|female|anticipation
02_Audio-Only/03_neutral/HA3/02-03-HA3-T-0012.wav|good|e-seravd|e-seravd_02-03-HA3-T-0012|e-seravd_HA3|-|neutral
pavoque-happy_poppy0012.wav|good|pavoque|pavoque_pavoque-happy_poppy0012|pavoque_stefan|male|happy
test2/samplenew_00000012.wav|other|mer2023|a test part of the challenge, whose labels stand in other tables
14197.wav|left|quechua|its row in the tables of the corpus is wrong
DEMOS/PR_m_23_tri00a.wav|good|demos|demos_PR_m_23_tri00a|demos_23|male|sad
DEMOS/NEU/f_07_neu12.wav|good|demos|demos_f_07_neu12|demos_07|female|neutral
EKORPUS/99.wav|good|eesc|eesc_99|eesc_1|female|-
cleaned_webm/recorded_audio_zpcGac1.webm|good|emns|emns_recorded_audio_zpcGac1|emns_3|female|-
wav/16b10Wb.wav|good|emodb|emodb_16b10Wb|emodb_16|female|angry
laryngo/03a01Fa.wav|left|emodb|a recording of the larynx, not of the voice
wav/03a01Fa.wav|good|emodb|emodb_03a01Fa|emodb_03|male|happy
EmoFilm/wav_corpus_16k/m_tri042aen_16k.wav|good|emofilm|emofilm_m_tri042aen|emofilm_m|male|sad
f_dis001aen.wav|good|emofilm|emofilm_f_dis001aen|emofilm_f|female|contempt
x/m01a01.wav|good|emouerj|emouerj_m01a01|emouerj_m01|male|angry
sam_Sleepy/sleepiness_85-112_0112.wav|good|emov-db|emov-db_sam_sleepy_0112|emov-db_sam|male|sleepy
bea/Amused/amused_141_168_0141.wav|good|emov-db|emov-db_bea_amused_0141|emov-db_bea|female|amused
data/EMOVO/m3/tri-m3-n5.wav|good|emovo|emovo_tri-m3-n5|emovo_m3|male|sad
f1/dis-f2-b1.wav|bad|emovo|the name gives another speaker than its folder 'f1'
F1/dis-f1-b1.wav|good|emovo|emovo_dis-f1-b1|emovo_f1|female|disgust
audio/1620665800793.wav|good|emozionalmente|emozionalmente_1620665800793|-|-|-
0020/Surprise/0020_001711.wav|good|esd|esd_0020_001711|esd_0020|male|surprised
0001/Angry/0001_000001.wav|bad|esd|the number is not one of this emotion: 000001
0001/Angry/train/0001_000351.wav|good|esd|esd_0001_000351|esd_0001|female|angry
Female02/Anger_ang (3).wav|good|eyase|eyase_Female02_Anger_ang (3)|eyase_Female02|female|angry
Session5/sentences/wav/Ses05M_script03_2/Ses05M_script03_2_M035.wav|good|iemocap|iemocap_Ses05M_script03_2_M035|iemocap_05M|male|-
Raw JL corpus (unchecked and unannotated)/JL(wav+txt)/male2_sad_9b_2.wav|good|jl-corpus|jl-corpus_male2_sad_9b_2|jl-corpus_male2|male|sad
female1_angry_10a_1.wav|good|jl-corpus|jl-corpus_female1_angry_10a_1|jl-corpus_female1|female|angry
W040/audio/surprised/level_3/022.m4a|good|mead|mead_W040_surprised_3_022|mead_W040|female|surprised
Mexican Emotional Speech Database (MESD)/Sadness_M_B_tristeza.wav|good|mesd|mesd_Sadness_M_B_tristeza|mesd_M|male|sad
Anger_C_A_por_favor.wav|good|mesd|mesd_Anger_C_A_por_favor|mesd_C|-|angry
MESS/SM3V30_SCR.wav|good|mess|mess_SM3V30_SCR|mess_M3|male|sad
MSP-IMPROV-S20S-F05-R-FF01.wav|good|msp-improv|msp-improv_MSP-IMPROV-S20S-F05-R-FF01|msp-improv_F05|female|-
Audios/MSP-PODCAST_0001_0008.wav|good|msp-podcast|msp-podcast_MSP-PODCAST_0001_0008|-|-|-
OreauFR_02/m/sesst/41a11Ta.wav|good|oreau|oreau_41a11Ta|oreau_41|male|sad
POLISH/m5.s_trzymaj_5.wav|good|polish|polish_m5.s_trzymaj_5|polish_m5|male|fearful
PORTUGUESE/9sA_angry9.wav|good|portuguese-castro-lima|portuguese-castro-lima_9sA_angry9|portuguese-castro-lima_A|female|angry
audio/Audio_Speech_Actors_01-24/Actor_24/03-01-08-02-02-02-24.wav|good|ravdess|ravdess_03-01-08-02-02-02-24|ravdess_24|female|surprised
03-01-08-01-01-01-02_ps.wav|good|ravdess|ravdess_03-01-08-01-01-01-02|ravdess_02|female|surprised
Actor_03/03-02-03-02-01-02-03.wav|good|ravdess-song|ravdess-song_03-02-03-02-01-02-03|ravdess_03|male|happy
Actor_18/03-02-03-02-01-02-18.wav|bad|ravdess-song|actor 18 does not sing
train/sadness_happiness_49/49_sadness_happiness_s_100.wav|good|resd|resd_49_sadness_happiness_s_100|resd_49s|-|sad
test/01_happiness_anger/01_happiness_anger a_010.wav|good|resd|resd_01_happiness_anger_a_010|resd_01a|-|angry
data/SAVEE/KL/su15.wav|good|savee|savee_KL_su15|savee_KL|male|surprised
ShEMO/male/M56W01.wav|good|shemo|shemo_M56W01|shemo_M56|male|surprised
M_10_EVAN_S_9_SURPRISE_5.wav|good|subesco|subesco_M_10_EVAN_S_9_SURPRISE_5|subesco_M10|male|surprised
F_02_MONIKA_S_2_SURPRISE_3].wav|good|subesco|subesco_F_02_MONIKA_S_2_SURPRISE_3|subesco_F02|female|surprised
YAF_youth_sad.wav|good|tess|tess_YAF_youth_sad|tess_YAF|female|sad
testnew/751testOA_bite_neutral48.wav|good|tess|tess_OAF_bite_neutral|tess_OAF|female|neutral
YAF_pleasant_surprised/YAF_back_ps.wav|good|tess|tess_YAF_back_ps|tess_YAF|female|surprised
OAF_Fear/OAF_back_angry.wav|bad|tess|the name gives another emotion than its folder 'OAF_Fear'
thorsten-emotional_v02/whisper/fe3c06d9dfd30e585df4d20e593bfc8e.wav|good|thorsten-emotional|thorsten-emotional_whisper_fe3c06d9dfd30e585df4d20e593bfc8e|thorsten-emotional_thorsten|male|whisper
Sad/SM6_F4_S0100.wav|good|urdu|urdu_SM6_F4_S0100|urdu_M6|male|sad
Angry/SM1_F10_H010.wav|bad|urdu|the name gives another emotion than its folder 'Angry'
VIVAE/full_set/S11_surprise_strong_012.wav|good|vivae|vivae_S11_surprise_strong_012|vivae_11|-|surprised
core_set/S01_pain_low_01.wav|left|vivae|a copy of a file of full_set
END
}

@test "corpora: every description has a name of its own, a title, a language, a licence and a way to get the corpus" {
    ser-manifest --list >list.tsv
    assert_equal "$(head -n 1 list.tsv | tr '\t' ' ')" "corpus title language licence registration tested get citation"
    diff <(tail -n +2 list.tsv | cut -f 1 | sort) <(cd "$ROOT/manifests" && ls -- *.corpus | sed 's/\.corpus$//' | sort)
    awk -F'\t' '{ for (i = 1; i <= 7; i++) if ($i == "" || $i == "-") { print $1 ": no " i; exit 1 } }' list.tsv
    # Each stands alone, too.
    mkdir d
    for f in "$ROOT"/manifests/*.corpus; do
        run ser-manifest --corpus "$f" d
        [[ $output =~ holds\ no\ utterance|has\ no\ table ]] || fail "$f: $output"
    done
}

@test "corpora: names of each kind" {
    cases | cut -d '|' -f 3 | sort -u >named
    for f in "$ROOT"/manifests/*.corpus; do
        corpus=$(basename "$f" .corpus)
        case $corpus in baum1 | dusha | kia | m3ed | nnime) continue ;; esac # nothing without their tables
        grep -qx "$corpus" named || fail "no name of $corpus is here"
    done
    cases | while IFS='|' read -r path want; do
        corpus=${want#*|}
        corpus=${corpus%%|*}
        got=$(paths "$corpus" <<<"$path" | tr '\t' '|')
        case $want in
        good*) assert_equal "$got" "$want" ;;
        *) assert_equal "${got##*|}" "${want##*|}" ;;
        esac
    done
}

@test "corpora: tables beside the files" {
    mkdir -p e/metadata e/audio
    : >e/audio/1612871026347.wav
    : >e/audio/1612871026348.wav
    printf 'file_name,actor,emotion_expressed,sentence\n1612871026347.wav,u7, joy ,"Ah, ecco"\n1612871026348.wav,u8,anger,No\n' >e/metadata/samples.csv
    printf 'username,gender,age,mother_tongue\nu7,f,31,it\nu8,m,40,it\n' >e/metadata/users.csv
    ser-manifest -q e 2>err | tr '\t' '|' | same - <(cat <<'END'
id|path|corpus|speaker|sex|emotion|intensity|statement|repetition|age
emozionalmente_1612871026347|e/audio/1612871026347.wav|emozionalmente|emozionalmente_u7|female|happy|-|Ah, ecco|-|31
emozionalmente_1612871026348|e/audio/1612871026348.wav|emozionalmente|emozionalmente_u8|male|angry|-|No|-|40
END
    )
    grep -q '^ser-manifest: emozionalmente: .*: its names were tried on a list of real files, its table was not at hand$' err
    rm e/metadata/users.csv
    fails 4 'e: has no table metadata/users.csv, .*zenodo' ser-manifest --corpus emozionalmente e
}

@test "corpora: the commands in the descriptions make their tables" {
    commands() { # of a description: the indented lines of its comment
        sed -n 's/^#     //p' "$ROOT/manifests/$1.corpus"
    }
    mkdir -p i/Session1/dialog/EmoEvaluation i/Session1/sentences/wav/Ses01F_impro01 p t
    printf '%% [START - END]\tTURN\n[6.29 - 8.23]\tSes01F_impro01_F000\tneu\t[2.5, 2.0, 3.5]\r\nC-E2:\tNeutral;\t()\n' \
        >i/Session1/dialog/EmoEvaluation/Ses01F_impro01.txt
    : >i/Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav
    (cd i && eval "$(commands iemocap)")
    ser-manifest --corpus iemocap i 2>err | tail -n +2 | cut -f 1,4- | tr '\t' ' ' |
        same - <(echo 'iemocap_Ses01F_impro01_F000 iemocap_01F female neutral - impro01 - 01 2.5 2.0 3.5')
    printf 'UTD-IMPROV-S01A-F01-P-FM01.avi; N; A:3.5; V:3.0; D:2.0 ; N:4.0;\nrater; A; A:1; V:1; D:1 ; N:1;\n' >p/Evaluation.txt
    : >p/MSP-IMPROV-S01A-F01-P-FM01.wav
    (cd p && eval "$(commands msp-improv)")
    ser-manifest --corpus msp-improv p 2>err | tail -n +2 | cut -f 1,4- | tr '\t' ' ' |
        same - <(echo 'msp-improv_MSP-IMPROV-S01A-F01-P-FM01 msp-improv_F01 female neutral - 01 - 01 angry P 3.0 2.5 2.0')
    mkdir -p k/split k/wav v d/crowd_{train,test}/wavs q r/train
    printf 'fname,angry,sad,happy,neutral\nF5_01,0,0,1,0\r\nF5_02,1,0,0,0\n' >k/split/F5_test.csv
    printf 'fname,sad,angry,happy,neutral\nM1_01,1,0,0,0\n' >k/split/M1_test.csv
    : >k/wav/F5_01.wav
    : >k/wav/F5_02.wav
    : >k/wav/M1_01.wav
    (cd k && eval "$(commands kia)")
    ser-manifest k 2>err | tail -n +2 | cut -f 1,4-6 | tr '\t' ' ' |
        same - <(printf '%s\n' 'kia_F5_01 kia_F5 female happy' 'kia_F5_02 kia_F5 female angry' 'kia_M1_01 kia_M1 male sad')
    printf -- '- prompt: spike01\n  text: x\n  start: 0.0\n  end: 0.5\n  segments:\n  - {lab: H#, end: 0.4}\n- prompt: spike02\n  start: 0.5\n  end: 0.75\n' \
        >v/pavoque-angry.yaml
    sox -R -n -r 8000 -b 16 v/pavoque-angry.flac synth 1 sine 440
    (cd v && eval "$(commands pavoque)")
    rm v/pavoque-angry.flac
    ser-manifest v 2>err | tail -n +2 | cut -f 1,4-6 | tr '\t' ' ' | same - <(printf '%s\n' \
        'pavoque_pavoque-angry_spike01 pavoque_stefan male angry' 'pavoque_pavoque-angry_spike02 pavoque_stefan male angry')
    assert_equal "$(soxi -s v/*.wav | xargs)" "4000 2000"
    header='hash_id\taudio_path\tduration\tannotator_emo\tgolden_emo\tspeaker_text\tspeaker_emo\tsource_id\tannotator_id\n'
    row() { printf '%s\twavs/%s.wav\t2\t%s\t\t\t\t%s\tx\n' "$1" "$1" "$2" "$3"; }
    { printf "$header" && row aa positive s1 && row aa sad s1 && row aa positive s1 && row bb sad s2 && row bb angry s2; } \
        >d/crowd_train/raw_crowd_train.tsv
    { printf "$header" && row cc other s3; } >d/crowd_test/raw_crowd_test.tsv
    touch d/crowd_train/wavs/{aa,bb}.wav d/crowd_test/wavs/cc.wav
    (cd d && eval "$(commands dusha)")
    ser-manifest --corpus dusha d 2>err | tail -n +2 | cut -f 1,4,6,10 | sort | tr '\t' ' ' |
        same - <(printf '%s\n' 'dusha_aa dusha_s1 happy train' 'dusha_bb dusha_s2 - train' 'dusha_cc dusha_s3 - test')
    printf 'Audio,Actor,emotion\n10001,a2,boredom\n' >q/quechua-map.csv
    : >q/10001.wav
    ser-manifest q 2>err | tail -n +2 | cut -f 1,4-6 | tr '\t' ' ' | same - <(echo 'quechua_10001 quechua_a2 male bored')
    printf 'name,discrete,valence\nsample_00000001,worried,-1.5\n' >r/train-label.csv
    : >r/train/sample_00000001.wav
    ser-manifest r 2>err | tail -n +2 | cut -f 1,4-6,10 | tr '\t' ' ' | same - <(echo 'mer2023_sample_00000001 - - worried -1.5')
    printf 'item [1]:\n name = "words"\n text = "tere"\nitem [2]:\n name = "emotion"\n intervals [1]:\n text = ""\n text = "joy"\n' >t/105.TextGrid
    : >t/105.wav
    (cd t && eval "$(commands eesc)")
    ser-manifest --corpus eesc t 2>err | tail -n +2 | cut -f 1,4-6 | tr '\t' ' ' | same - <(echo 'eesc_105 eesc_1 female happy')
}

@test "corpora: what two descriptions can read, the whole folder decides" {
    # Flat copies of RAVDESS: each emotion that both have, and one that the other has not.
    mkdir r b o
    for e in 01 02 03 04 05; do : >"r/03-01-$e-01-01-01-02.wav"; done
    fails 2 'banglaser .*ravdess .*5: give --corpus banglaser or --corpus ravdess' ser-manifest r
    : >r/03-01-08-01-01-01-02.wav
    ser-manifest r 2>&1 >m.tsv | grep -q 'r: read as ravdess .*: 6 of 6$'
    mkdir r/Actor_02
    mv r/*.wav r/Actor_02
    rm r/Actor_02/03-01-08*
    ser-manifest r 2>&1 >m.tsv | grep -q 'r: read as ravdess .*: 5 of 5$'
    for s in 01 02 03; do : >"b/03-01-05-01-$s-01-27.wav"; done
    ser-manifest b 2>&1 >m.tsv | grep -q 'b: read as banglaser .*: 3 of 3$'
    # Oreau's sentences a01 to a12 are not all EmoDB's.
    mkdir -p o/f/sessn
    for s in 01 02 06; do : >"o/f/sessn/10a${s}Na.wav"; done
    ser-manifest o 2>&1 >m.tsv | grep -q 'o: read as oreau .*: 3 of 3$'
    rm o/f/sessn/10a06Na.wav
    fails 2 'emodb .*oreau' ser-manifest o
}

@test "corpora: lists of real files" {
    lists=${SER_REFERENCE-}/../corpora
    if [ ! -e "$lists/tests.tsv" ]; then
        echo "# left out: the lists of real files; set SER_REFERENCE" >&3
        return
    fi
    "$ROOT/tests/corpora-table" "$lists" >table.tsv
    assert_equal "$(awk -F'\t' 'NR > 1 && $2 != "-" && $8 !~ /^(equal|all are read)/' table.tsv)" ""
    [ "$(awk -F'\t' 'NR > 1 && $2 != "-"' table.tsv | wc -l)" -ge 40 ]
    diff <(tail -n +2 table.tsv | cut -f 1 | sort -u) <(cd "$ROOT/manifests" && ls -- *.corpus | sed 's/\.corpus$//' | sort -u)
    # It tells what differs.
    mkdir -p l/lists
    cp "$lists/lists/mess.txt" l/lists
    sed 's/angry=450/angry=449/' "$lists/tests.tsv" >l/tests.tsv
    "$ROOT/tests/corpora-table" l >table.tsv
    assert_equal "$(awk -F'\t' '$2 == "mess.txt" { print $8 }' table.tsv)" 'other emotions than angry=449 calm=450 happy=450 sad=450'
    sed -i 1d l/lists/mess.txt
    "$ROOT/tests/corpora-table" l >table.tsv
    assert_equal "$(awk -F'\t' '$2 == "mess.txt" { print $8 }' table.tsv)" 'not read: 1'
}
