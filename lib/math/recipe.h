/* recipe.h - a recipe is all settings that decide the values of features. Their limits, and the
 * relations between them, are checked here. Pure. For recipes as attributes of a stream, see
 * bridge/recipe.h.
 */
#ifndef SER_MATH_RECIPE_H
#define SER_MATH_RECIPE_H

enum ser_feature_type { SER_MFCC, SER_LOGMEL };

/* What stands behind the last frame of a recording that is shorter than the recipe's frames: zeros, or what
 * a frame of silence holds, all bands at the floor. */
enum ser_padding { SER_PAD_ZERO, SER_PAD_FLOOR };

/* By whose mean and deviation each row is normalised. ser-mfcc knows one recording at a time, so it does no
 * more than the first two; the others are work for ser-tensor normalize. */
enum ser_norm_by {
    SER_NORMAL_NONE,
    SER_NORMAL_UTTERANCE,
    SER_NORMAL_SPEAKER,
    SER_NORMAL_CORPUS,
    SER_NORMAL_ALL
};

/* Further rows, one for each bit that is set, in this order; see mfcc.h. */
enum ser_append {
    SER_APPEND_ENERGY = 1,
    SER_APPEND_F0 = 2,
    SER_APPEND_VOICING = 4,
    SER_APPEND_EVERYTHING = 7
};

/* The limits of a recipe, stated nowhere else. */
enum {
    SER_MIN_RATE_HZ = 1000,
    SER_MAX_RATE_HZ = 384000,
    SER_MIN_WINDOW = 16,
    SER_MAX_WINDOW = 65536,
    SER_MAX_BANDS = 1024,
    SER_MAX_TOP_DB = 1000,
    SER_MAX_FRAMES = 65536,
    SER_MAX_DELTAS = 2,
    SER_MAX_TRIM_DB = 200,
    SER_MAX_TRIM_MARGIN_S = 60,
};

/* Every features and model stream holds its recipe as attributes feat.*. */
struct ser_recipe {
    enum ser_feature_type type;
    int rate_hz; /* SER_MIN_RATE_HZ..SER_MAX_RATE_HZ; audio is resampled to it */
    int window;  /* FFT and window length in samples, even, up to SER_MAX_WINDOW */
    int hop;     /* samples, 1..window */
    int bands;   /* mel bands, 1..SER_MAX_BANDS */
    int coefs;   /* coefficients kept of the DCT, 1..bands; SER_LOGMEL: equal to bands */
    double fmin_hz, fmax_hz; /* 0 <= fmin < fmax <= rate/2; fmax 0 means rate/2 */
    double top_db;           /* floor in dB below the loudest value, to SER_MAX_TOP_DB; 0: none */
    int frames;              /* pad or cut to this many; 0: keep each clip's number */
    int deltas;              /* 0; 1: append first differences; 2: first and second */
    double trim_db;       /* cut both ends below the loudest frame less this; 0: no cut; trim.h */
    double trim_margin_s; /* and leave so much of what is cut, on each side */
    enum ser_padding pad;
    enum ser_norm_by norm;
    int append; /* of enum ser_append, or-ed */
};

/* librosa's defaults with 40 coefficients and the notebook's 174 frames. */
static const struct ser_recipe SER_RECIPE_DEFAULT = {
    .type = SER_MFCC,
    .rate_hz = 22050,
    .window = 2048,
    .hop = 512,
    .bands = 128,
    .coefs = 40,
    .top_db = 80,
    .frames = 174,
};

/* 0 if r keeps to the limits. Otherwise -1, and why says what is wrong: the field, named like the
 * option of ser-mfcc, and its value: "hop 4096: not in 1..window, which is 2048". */
enum { SER_RECIPE_WHY = 128 };
int ser_recipe_check(const struct ser_recipe *r, char why[SER_RECIPE_WHY]);

/* Number of rows of the features: coefs (or bands) times 1 + deltas, and what is appended. */
int ser_recipe_rows(const struct ser_recipe *r);

#endif
