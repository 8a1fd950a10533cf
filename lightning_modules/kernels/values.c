/* Values of matrices, and vectors of them. Behind team.c.

   WIDTH is a power of two that divides the channels of an output, and for winograd.c those of an input too; REAL is float
   or double. A value is a number, or, with PAIRS, two of them, of two tiles that are computed alike: eight channels are
   half of the widest vector. */

#if PAIRS && defined __AVX512F__
#include <immintrin.h>
#define WOVEN
#endif

#if defined __AVX512F__
enum { VECTOR = 64, REGISTERS = 32 };
#elif defined __AVX__
enum { VECTOR = 32, REGISTERS = 16 };
#elif defined __aarch64__
enum { VECTOR = 16, REGISTERS = 32 };
#else
enum { VECTOR = 16, REGISTERS = 16 };
#endif

#ifdef WOVEN
enum { TILES = 2 };
typedef struct {
    real of[TILES];
} value;
#else
enum { TILES = 1 };
typedef real value;
#endif

#define LEAST(one, other) ((one) < (other) ? (one) : (other))
enum { LANES = LEAST(WIDTH, VECTOR / (int)sizeof(value)) }; /* values of a vector */
typedef real vector __attribute__((vector_size(LANES * sizeof(value)), aligned(sizeof(real)), may_alias));
typedef real pixel __attribute__((vector_size(LANES * sizeof(real)), aligned(sizeof(real)), may_alias));

#ifdef WOVEN
/* A value that is the same in every tile, and the sum of one over its tiles. */
static inline value alike(real x) { return (value){{x, x}}; }

static inline real total(value x) { return x.of[0] + x.of[1]; }

/* A vector of one value. */
static inline vector spread(value x)
{
    double both;
    memcpy(&both, &x, sizeof both);
    return (vector)_mm512_set1_pd(both);
}

/* A vector of each tile's pixel, and a tile's pixel of a vector. */
static inline vector weave(const real *one, const real *other)
{
    const __m512i order = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512 first = _mm512_castps256_ps512(_mm256_loadu_ps(one));
    return (vector)_mm512_permutex2var_ps(first, order, _mm512_castps256_ps512(_mm256_loadu_ps(other)));
}

static inline pixel unwoven(vector woven, int tile)
{
    const __m512i evens = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m512i order = _mm512_add_epi32(evens, _mm512_set1_epi32(tile));
    return (pixel)_mm512_castps512_ps256(_mm512_permutexvar_ps(order, (__m512)woven));
}
#else
static inline value alike(real x) { return x; }

static inline real total(value x) { return x; }

static inline vector spread(value x) { return x - (vector){}; }

static inline vector weave(const real *one, const real *other)
{
    (void)other;
    return *(const vector *)one;
}

static inline pixel unwoven(vector woven, int tile)
{
    (void)tile;
    return woven;
}
#endif
