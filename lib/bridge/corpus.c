#include "bridge/corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const ser_emotions[] = {"angry",   "calm", "disgust",   "fearful", "happy",
                                    "neutral", "sad",  "surprised", NULL};

int ser_is_emotion(const char *word, size_t n) {
    for (const char *const *e = ser_emotions; *e; e++)
        if (strlen(*e) == n && memcmp(*e, word, n) == 0)
            return 1;
    return 0;
}

struct code {
    const char *code, *meaning;
};

/* The meaning of the n bytes at s, NULL if the table (which ends with a NULL code) has none. */
static const char *meaning(const struct code *table, const char *s, size_t n) {
    for (; table->code; table++)
        if (strlen(table->code) == n && memcmp(table->code, s, n) == 0)
            return table->meaning;
    return NULL;
}

/* 1 if s has the form of pattern: 9 a digit, A a capital, any other byte itself. */
static int has_form(const char *s, const char *pattern) {
    for (; *pattern; s++, pattern++) {
        int ok = *pattern == '9'   ? *s >= '0' && *s <= '9'
                 : *pattern == 'A' ? *s >= 'A' && *s <= 'Z'
                                   : *s == *pattern;
        if (!ok)
            return 0;
    }
    return *s == '\0';
}

static int two_digits(const char *s) {
    return 10 * (s[0] - '0') + s[1] - '0';
}

/* Where to write what is wrong with a name. */
struct reason {
    char *text;
    size_t size;
};

/* Writes why: what, then the n bytes at s in quotes. Returns kind, for the caller to return. */
static enum ser_name_kind because(struct reason why, enum ser_name_kind kind, const char *what,
                                  const char *s, int n) {
    snprintf(why.text, why.size, "%s '%.*s'", what, n, s);
    return kind;
}

/* ---- RAVDESS ---- */

static const struct code ravdess_emotion[] = {
    {"01", "neutral"}, {"02", "calm"},    {"03", "happy"},     {"04", "sad"}, {"05", "angry"},
    {"06", "fearful"}, {"07", "disgust"}, {"08", "surprised"}, {NULL, NULL}};
static const struct code ravdess_intensity[] = {{"01", "normal"}, {"02", "strong"}, {NULL, NULL}};
static const struct code ravdess_modality[] = {
    {"01", "video with sound"}, {"02", "video"}, {"03", "audio"}, {NULL, NULL}};
static const struct code ravdess_channel[] = {{"01", "speech"}, {"02", "song"}, {NULL, NULL}};

static enum ser_name_kind parse_ravdess(const char *folder, const char *stem,
                                        struct ser_utterance *u, struct reason why) {
    if (!has_form(stem, "99-99-99-99-99-99-99"))
        return SER_NAME_FOREIGN;
    const char *modality = stem, *channel = stem + 3, *emotion = stem + 6, *intensity = stem + 9,
               *statement = stem + 12, *repetition = stem + 15, *actor = stem + 18;
    int number = two_digits(actor);

    if (!meaning(ravdess_modality, modality, 2))
        return because(why, SER_NAME_BAD, "unknown modality", modality, 2);
    if (!meaning(ravdess_channel, channel, 2))
        return because(why, SER_NAME_BAD, "unknown vocal channel", channel, 2);
    if (memcmp(modality, "03", 2) != 0)
        return because(why, SER_NAME_OTHER, "not a recording of audio alone: modality", modality,
                       2);
    if (memcmp(channel, "01", 2) != 0)
        return because(why, SER_NAME_OTHER, "not speech: vocal channel", channel, 2);
    u->emotion = meaning(ravdess_emotion, emotion, 2);
    if (!u->emotion)
        return because(why, SER_NAME_BAD, "unknown emotion", emotion, 2);
    u->intensity = meaning(ravdess_intensity, intensity, 2);
    if (!u->intensity)
        return because(why, SER_NAME_BAD, "unknown intensity", intensity, 2);
    if (memcmp(emotion, "01", 2) == 0 && memcmp(intensity, "02", 2) == 0)
        return because(why, SER_NAME_BAD, "neutral is never strong: intensity", intensity, 2);
    if (two_digits(statement) < 1 || two_digits(statement) > 2)
        return because(why, SER_NAME_BAD, "unknown statement", statement, 2);
    if (two_digits(repetition) < 1 || two_digits(repetition) > 2)
        return because(why, SER_NAME_BAD, "unknown repetition", repetition, 2);
    if (number < 1 || number > 24)
        return because(why, SER_NAME_BAD, "actors are 01 to 24, not", actor, 2);
    if (has_form(folder, "Actor_99") && memcmp(folder + 6, actor, 2) != 0)
        return because(why, SER_NAME_BAD, "the name gives another actor than its folder", folder,
                       8);

    u->corpus = "ravdess";
    u->sex = number % 2 ? "male" : "female";
    snprintf(u->id, sizeof u->id, "ravdess_%s", stem);
    snprintf(u->speaker, sizeof u->speaker, "ravdess_%.2s", actor);
    snprintf(u->statement, sizeof u->statement, "%.2s", statement);
    snprintf(u->repetition, sizeof u->repetition, "%.2s", repetition);
    return SER_NAME_GOOD;
}

/* ---- SAVEE ---- */

static const struct code savee_emotion[] = {{"a", "angry"},      {"d", "disgust"}, {"f", "fearful"},
                                            {"h", "happy"},      {"n", "neutral"}, {"sa", "sad"},
                                            {"su", "surprised"}, {NULL, NULL}};
static const struct code savee_speaker[] = {
    {"DC", ""}, {"JE", ""}, {"JK", ""}, {"KL", ""}, {NULL, NULL}};

static enum ser_name_kind parse_savee(const char *folder, const char *stem, struct ser_utterance *u,
                                      struct reason why) {
    int in_name =
        stem[0] >= 'A' && stem[0] <= 'Z' && stem[1] >= 'A' && stem[1] <= 'Z' && stem[2] == '_';
    const char *rest = in_name ? stem + 3 : stem, *speaker = in_name ? stem : folder;
    int letters = (int)strspn(rest, "abcdefghijklmnopqrstuvwxyz");
    if (letters < 1 || letters > 2 || !has_form(rest + letters, "99"))
        return SER_NAME_FOREIGN;

    int folder_is_speaker = meaning(savee_speaker, folder, strlen(folder)) != NULL;
    if (in_name && !meaning(savee_speaker, speaker, 2))
        return because(why, SER_NAME_BAD, "speakers are DC, JE, JK and KL, not", speaker, 2);
    if (!in_name && !folder_is_speaker)
        return because(why, SER_NAME_BAD,
                       "no speaker in the name, as in DC_a01, nor as the folder's name, which is",
                       folder, (int)strlen(folder));
    if (in_name && folder_is_speaker && memcmp(folder, speaker, 2) != 0)
        return because(why, SER_NAME_BAD, "the name gives another speaker than its folder", folder,
                       2);
    u->emotion = meaning(savee_emotion, rest, (size_t)letters);
    if (!u->emotion)
        return because(why, SER_NAME_BAD, "unknown emotion", rest, letters);
    int number = two_digits(rest + letters), most = *rest == 'n' ? 30 : 15;
    if (number < 1 || number > most)
        return because(why, SER_NAME_BAD,
                       most == 30 ? "neutral sentences are 01 to 30, not"
                                  : "sentences of this emotion are 01 to 15, not",
                       rest + letters, 2);

    u->corpus = "savee";
    u->sex = "male"; /* all four speakers are */
    u->intensity = "-";
    snprintf(u->id, sizeof u->id, "savee_%.2s_%.4s", speaker, rest);
    snprintf(u->speaker, sizeof u->speaker, "savee_%.2s", speaker);
    snprintf(u->statement, sizeof u->statement, "%.4s", rest);
    snprintf(u->repetition, sizeof u->repetition, "-");
    return SER_NAME_GOOD;
}

/* ---- CREMA-D ---- */

static const struct code cremad_emotion[] = {
    {"ANG", "angry"},   {"DIS", "disgust"}, {"FEA", "fearful"}, {"HAP", "happy"},
    {"NEU", "neutral"}, {"SAD", "sad"},     {NULL, NULL}};
static const struct code cremad_level[] = {
    {"LO", "low"}, {"MD", "medium"}, {"HI", "high"}, {"XX", "-"}, {NULL, NULL}};
static const struct code cremad_sentence[] = {
    {"DFA", ""}, {"IEO", ""}, {"IOM", ""}, {"ITH", ""}, {"ITS", ""}, {"IWL", ""}, {"IWW", ""},
    {"MTI", ""}, {"TAI", ""}, {"TIE", ""}, {"TSI", ""}, {"WSI", ""}, {NULL, NULL}};

static enum ser_name_kind parse_cremad(const char *folder, const char *stem,
                                       struct ser_utterance *u, struct reason why) {
    (void)folder; /* tells nothing: all clips are in one folder */
    /* One clip was once misnamed with a level X instead of XX: it is of the corpus, but
     * reported. */
    if (!has_form(stem, "9999_AAA_AAA_AA") && !has_form(stem, "9999_AAA_AAA_A"))
        return SER_NAME_FOREIGN;
    const char *actor = stem, *sentence = stem + 5, *emotion = stem + 9, *level = stem + 13;

    if (atoi(actor) < 1001 || atoi(actor) > 1091)
        return because(why, SER_NAME_BAD, "actors are 1001 to 1091, not", actor, 4);
    if (!meaning(cremad_sentence, sentence, 3))
        return because(why, SER_NAME_BAD, "unknown sentence", sentence, 3);
    u->emotion = meaning(cremad_emotion, emotion, 3);
    if (!u->emotion)
        return because(why, SER_NAME_BAD, "unknown emotion", emotion, 3);
    u->intensity = meaning(cremad_level, level, strlen(level));
    if (!u->intensity)
        return because(why, SER_NAME_BAD, "unknown level", level, (int)strlen(level));

    u->corpus = "cremad";
    u->sex = "-";
    snprintf(u->id, sizeof u->id, "cremad_%s", stem);
    snprintf(u->speaker, sizeof u->speaker, "cremad_%.4s", actor);
    snprintf(u->statement, sizeof u->statement, "%.3s", sentence);
    snprintf(u->repetition, sizeof u->repetition, "-");
    return SER_NAME_GOOD;
}

/* ---- any ---- */

enum ser_name_kind ser_corpus_parse(const char *corpus, const char *folder, const char *stem,
                                    struct ser_utterance *u, char *why, size_t why_size) {
    static const struct {
        const char *name;
        enum ser_name_kind (*parse)(const char *, const char *, struct ser_utterance *,
                                    struct reason);
    } parsers[] = {{"ravdess", parse_ravdess}, {"savee", parse_savee}, {"cremad", parse_cremad}};
    int any = strcmp(corpus, "auto") == 0;
    for (size_t i = 0; i < sizeof parsers / sizeof *parsers; i++) {
        if (!any && strcmp(corpus, parsers[i].name) != 0)
            continue;
        enum ser_name_kind kind = parsers[i].parse(folder, stem, u, (struct reason){why, why_size});
        if (kind != SER_NAME_FOREIGN)
            return kind;
    }
    return SER_NAME_FOREIGN;
}
