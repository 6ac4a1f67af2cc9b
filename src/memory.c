/*
 * memcpy, memmove, memcmp and bcmp of the static Linux program on x86-64, in place of musl's. build.rs compiles this file.
 *
 * musl's memcpy starts a string instruction even for a few bytes, its memmove copies backwards byte by byte, and its memcmp always compares
 * byte by byte. Most copies here, by SQLite and while JSON is read and written, have less than 64 bytes.
 *
 * None of these functions reads or writes outside of what it is given, and none may call one of them: build.rs passes the options that keep
 * the compiler from replacing a loop by a call. tests/memory checks sizes, alignments, overlaps and both ends.
 */

#include <stddef.h>
#include <stdint.h>

/* The processor reads and writes all of them at any address. */
typedef uint16_t two __attribute__((aligned(1), may_alias));
typedef uint32_t four __attribute__((aligned(1), may_alias));
typedef uint64_t eight __attribute__((aligned(1), may_alias));
typedef uint8_t sixteen __attribute__((vector_size(16), aligned(1), may_alias));

#define READ(type, place) (*(const type *)(place))
#define WRITE(type, place, value) (*(type *)(place) = (value))

/* Copies as many bytes as the type has, up to twice as many. The parts may overlap, so both are read before one is written. */
#define COPY_ENDS(type) \
    do { \
        type head = READ(type, from), tail = READ(type, from + size - sizeof(type)); \
        WRITE(type, to, head); \
        WRITE(type, to + size - sizeof(type), tail); \
    } while (0)

/* The same for 64 bytes, four times sixteen. */
#define READ_64(name, place) \
    sixteen name##0 = READ(sixteen, place), name##1 = READ(sixteen, (place) + 16), name##2 = READ(sixteen, (place) + 32), \
            name##3 = READ(sixteen, (place) + 48)
#define WRITE_64(name, place) \
    do { \
        WRITE(sixteen, place, name##0); \
        WRITE(sixteen, (place) + 16, name##1); \
        WRITE(sixteen, (place) + 32, name##2); \
        WRITE(sixteen, (place) + 48, name##3); \
    } while (0)

static void copy_up_to_64(uint8_t *to, const uint8_t *from, size_t size)
{
    if (size > 32) {
        sixteen second = READ(sixteen, from + 16), third = READ(sixteen, from + size - 32);
        COPY_ENDS(sixteen);
        WRITE(sixteen, to + 16, second);
        WRITE(sixteen, to + size - 32, third);
    } else if (size >= 16) {
        COPY_ENDS(sixteen);
    } else if (size >= 8) {
        COPY_ENDS(eight);
    } else if (size >= 4) {
        COPY_ENDS(four);
    } else if (size >= 2) {
        COPY_ENDS(two);
    } else if (size) {
        *to = *from;
    }
}

/* More than 64 bytes, from the first to the last. The last 64 are read before a write can change them. */
static void copy_up(uint8_t *to, const uint8_t *from, size_t size)
{
    READ_64(last, from + size - 64);
    for (size_t done = 0; done < size - 64; done += 64) {
        READ_64(now, from + done);
        WRITE_64(now, to + done);
    }
    WRITE_64(last, to + size - 64);
}

/* More than 64 bytes, from the last to the first. */
static void copy_down(uint8_t *to, const uint8_t *from, size_t size)
{
    READ_64(first, from);
    for (size_t left = size; left > 64; left -= 64) {
        READ_64(now, from + left - 64);
        WRITE_64(now, to + left - 64);
    }
    WRITE_64(first, to);
}

void *memmove(void *to, const void *from, size_t size)
{
    if (size <= 64) {
        copy_up_to_64(to, from, size);
    } else if ((uintptr_t)to - (uintptr_t)from >= size) { /* `to` is before `from`, which makes a huge number, or after its end. */
        copy_up(to, from, size);
    } else {
        copy_down(to, from, size);
    }
    return to;
}

void *memcpy(void *to, const void *from, size_t size) __attribute__((alias("memmove")));

/* The first byte decides, so it has to be the highest one of the number. */
static int order(uint64_t one, uint64_t other)
{
    one = __builtin_bswap64(one);
    other = __builtin_bswap64(other);
    return one < other ? -1 : one > other;
}

static int compare_up_to_7(const uint8_t *one, const uint8_t *other, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (one[i] != other[i])
            return one[i] - other[i];
    }
    return 0;
}

int memcmp(const void *of_one, const void *of_other, size_t size)
{
    const uint8_t *one = of_one, *other = of_other;
    if (size < 8)
        return compare_up_to_7(one, other, size);
    for (size_t i = 0; i < size - 8; i += 8) {
        if (READ(eight, one + i) != READ(eight, other + i))
            return order(READ(eight, one + i), READ(eight, other + i));
    }
    return order(READ(eight, one + size - 8), READ(eight, other + size - 8));
}

int bcmp(const void *one, const void *other, size_t size) __attribute__((alias("memcmp")));
