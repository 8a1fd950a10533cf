/* What convolutions on the CPU stand on: products of small matrices. Behind team.c and values.c.

   Compiled for every shape of weights, [OUT, IN, KERNEL, KERNEL], and STRIDE, so that no loop over channels counts. Sums
   are cut by shape alone, so that the number of threads changes no bit. Passes return 0 where memory is missing. */

enum {
    PAIRED = LEAST(WIDTH / LANES, 2),                 /* vectors that products are added to at once, */
    ROWS = REGISTERS == 32 ? 12 : 6,                  /* for so many rows, */
    CHANNELS = LEAST(WIDTH, REGISTERS == 32 ? 8 : 4), /* or so many channels */
    CHUNK = 24,                                       /* rows of a matrix that are worked on together */
};

/* Images [N, H, W, IN] that become [N, H', W', OUT], padded by half the kernel. */
typedef struct {
    int64_t images, height, width;
    int64_t blocks, threads; /* parts that sums over images are cut into; who works */
} extent;

/* A pixel or tile among those of all images, which have `high` times `wide` each. */
typedef struct {
    int64_t image, y, x;
} place;

static inline place place_of(int64_t number, int64_t high, int64_t wide)
{
    return (place){number / (high * wide), number / wide % high, number % wide};
}

/* The one behind it; divisions would cost more than what is done at a place. */
static inline place behind(place p, int64_t high, int64_t wide)
{
    if (++p.x < wide)
        return p;
    return ++p.y < high ? (place){p.image, p.y, 0} : (place){p.image + 1, 0, 0};
}

/* Inputs of real numbers, or, `narrow`, of one byte each: spikes and sums of them. */
static inline const void *moved(const void *from, int64_t values, int narrow)
{
    return (const char *)from + values * (narrow ? 1 : (int64_t)sizeof(real));
}

/* Write values as bytes; how many are another number then. */
static int64_t narrow_some(const real *restrict x, int64_t count, int8_t *restrict out)
{
    int64_t others = 0;
#pragma omp simd reduction(+ : others)
    for (int64_t i = 0; i < count; i++) {
        const int32_t whole = (int32_t)(x[i] >= -128 && x[i] <= 127 ? x[i] : 0);
        out[i] = (int8_t)whole;
        others += (real)whole != x[i];
    }
    return others;
}

/* Write all values as bytes; 0 where one of them is another number then. */
int narrowed(const real *x, int64_t count, int8_t *out, int64_t threads)
{
    enum { PART = 4096 };
    int exact = 1;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t start = 0; start < count; start += PART) {
        int same;
#pragma omp atomic read
        same = exact;
        if (!same)
            continue; /* real numbers are found out in the first part */
        if (narrow_some(x + start, least(PART, count - start), out + start))
#pragma omp atomic write
            exact = 0;
    }
    return exact;
}

/* ROWS rows of v [., in] times PAIRED vectors of the columns of u [in, out], into m [., out]. */
static inline void multiply(const value *v, const value *u, value *m, int64_t in, int64_t out)
{
    vector sum[ROWS][PAIRED] = {};
    const value *rows[ROWS / 3];
    for (int r = 0; r < ROWS / 3; r++)
        rows[r] = v + 3 * r * in;
    for (int64_t i = 0; i < in; i++) {
        vector weights[PAIRED];
        for (int p = 0; p < PAIRED; p++)
            weights[p] = ((const vector *)(u + i * out))[p];
        for (int r = 0; r < ROWS / 3; r++) {
            for (int each = 0; each < 3; each++)
                for (int p = 0; p < PAIRED; p++)
                    sum[3 * r + each][p] += weights[p] * spread(rows[r][each * in]);
            rows[r]++;
        }
    }
#pragma GCC unroll 12
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 2
        for (int p = 0; p < PAIRED; p++)
            ((vector *)(m + r * out))[p] = sum[r][p];
}

/* Add v' m of `rows` rows of v [., in] and m [., out] to sum [in, out]: PAIRED vectors of CHANNELS of its rows. */
static inline void
accumulate(const value *v, const value *m, value *sum, int64_t in, int64_t out, int64_t rows)
{
    vector all[CHANNELS][PAIRED];
#pragma GCC unroll 8
    for (int c = 0; c < CHANNELS; c++)
#pragma GCC unroll 2
        for (int p = 0; p < PAIRED; p++)
            all[c][p] = ((vector *)(sum + c * out))[p];
    for (int64_t t = 0; t < rows; t++)
        for (int p = 0; p < PAIRED; p++) {
            const vector grads = ((const vector *)(m + t * out))[p];
            for (int c = 0; c < CHANNELS; c++)
                all[c][p] += grads * spread(v[t * in + c]);
        }
#pragma GCC unroll 8
    for (int c = 0; c < CHANNELS; c++)
#pragma GCC unroll 2
        for (int p = 0; p < PAIRED; p++)
            ((vector *)(sum + c * out))[p] = all[c][p];
}

/* Rows of v [., in] times u [in, out] into m [., out]: as many as ROWS divides, `rows` or more. */
static void multiply_all(const value *v, const value *u, value *m, int64_t rows, int64_t in, int64_t out)
{
    for (int64_t o = 0; o < out; o += PAIRED * LANES)
        for (int64_t row = 0; row < rows; row += ROWS)
            multiply(v + row * in, u + o, m + row * out + o, in, out);
}

/* Add v' m of `rows` rows to sum [in, out]. */
static void accumulate_all(const value *v, const value *m, value *sum, int64_t rows, int64_t in, int64_t out)
{
    for (int64_t i = 0; i < in; i += CHANNELS)
        for (int64_t o = 0; o < out; o += PAIRED * LANES)
            accumulate(v + i, m + o, sum + i * out + o, in, out, rows);
}

/* The first of [blocks, size] receives the sum of all. */
static void join_blocks(const extent *e, real *sums, int64_t size)
{
#pragma omp for schedule(static)
    for (int64_t part = 0; part < size; part += 1024)
        for (int64_t b = 1; b < e->blocks; b++)
            for (int64_t at = part; at < least(part + 1024, size); at++)
                sums[at] += sums[b * size + at];
}
