/* corpus.h - reads what the file names of the corpora tell.
 *
 *   RAVDESS  Actor_12/03-01-06-01-02-01-12.wav  modality-channel-emotion-intensity-statement-
 *                                               repetition-actor (Livingstone and Russo 2018)
 *   SAVEE    DC/sa03.wav or DC_sa03.wav         speaker, emotion, sentence of that emotion
 *   CREMA-D  1001_IEO_ANG_HI.wav                actor_sentence_emotion_level
 *
 * Pure: no file is touched.
 */
#ifndef SER_CORPUS_H
#define SER_CORPUS_H

#include <stddef.h>

/* The emotions that a corpus may name, in alphabetical order; the last is NULL. */
extern const char *const ser_emotions[];

/* 1 if the n bytes at word are one of ser_emotions. */
int ser_is_emotion(const char *word, size_t n);

/* A text is "-" where the corpus does not tell. */
struct ser_utterance {
    char id[32];           /* ravdess_03-01-06-01-02-01-12, savee_DC_sa03, cremad_1001_IEO_ANG_HI */
    char speaker[16];      /* ravdess_12, savee_DC, cremad_1001 */
    const char *corpus;    /* ravdess, savee, cremad */
    const char *sex;       /* female, male; "-" for CREMA-D, whose names do not tell */
    const char *emotion;   /* one of ser_emotions */
    const char *intensity; /* normal, strong (RAVDESS); low, medium, high (CREMA-D) */
    char statement[8];     /* as the corpus names it: 02, sa03, IEO */
    char repetition[4];    /* 01, 02 (RAVDESS) */
};

enum ser_name_kind {
    SER_NAME_GOOD,
    SER_NAME_OTHER,   /* a song or video of the corpus, not a recording of speech */
    SER_NAME_BAD,     /* has the form of the corpus, but an invalid part */
    SER_NAME_FOREIGN, /* does not have the form of the corpus */
};

/* Reads the name of a file. corpus is ravdess, savee, cremad or auto (any of them); folder is the
 * name of the folder that holds the file, stem the file's name without extension. Fills u if the
 * name is GOOD, and why[why_size] with the reason if it is OTHER or BAD. u keeps no pointer to the
 * arguments. */
enum ser_name_kind ser_corpus_parse(const char *corpus, const char *folder, const char *stem,
                                    struct ser_utterance *u, char *why, size_t why_size);

#endif
