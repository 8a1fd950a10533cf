/* Who works, and in which memory. The other sources are behind it; REAL is float or double.

   Memory is asked for before threads begin, for all of them at once: what is missing is known before anything is
   written, and nothing that fails is inside of a parallel region. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined _OPENMP
#include <omp.h>
#endif

typedef REAL real;

static inline int64_t least(int64_t one, int64_t other) { return one < other ? one : other; }

/* The number of this thread; a team may be smaller than it was asked to be. */
static inline int64_t worker(void)
{
#if defined _OPENMP
    return omp_get_thread_num();
#else
    return 0;
#endif
}

/* So many values, and the rest of the cache's last line. */
static inline int64_t lines(int64_t values) { return (values + 15) / 16 * 16; }

static inline real *allocate(int64_t values) { return aligned_alloc(64, lines(values) * sizeof(real)); }
