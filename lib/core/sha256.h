/* sha256.h - the SHA-256 checksum of bytes, as FIPS 180-4 defines it.
 *
 *   struct ser_sha256 sum;
 *   char hex[SER_SHA256_HEX];
 *   ser_sha256_start(&sum);
 *   ser_sha256_add(&sum, "abc", 3); // as often as there is more
 *   ser_sha256_end(&sum, hex);      // "ba7816bf...", what sha256sum(1) prints
 */
#ifndef SER_SHA256_H
#define SER_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SER_SHA256_HEX 65 /* bytes: 64 hexadecimal digits and the 0 behind them */

struct ser_sha256 {
    uint32_t state[8];
    uint64_t bytes;          /* so far, of at most 2^61 - 1 */
    unsigned char block[64]; /* its first bytes % 64 wait until it is full */
};

void ser_sha256_start(struct ser_sha256 *s);
void ser_sha256_add(struct ser_sha256 *s, const void *data, size_t n);

/* Writes the checksum in small letters; s must be started again before it is used again. */
void ser_sha256_end(struct ser_sha256 *s, char hex[SER_SHA256_HEX]);

#endif
