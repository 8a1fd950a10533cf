/* Convolutions of 3 x 3 pixels with stride 1, in fewer operations than their definition takes. Behind products.c.

   Minimal filtering after Winograd, F(2 x 2, 3 x 3) in Lavin and Gray, "Fast Algorithms for Convolutional Neural
   Networks" (CVPR 2016), equation 8: a tile of 2 x 2 output pixels is A' [(G w G') * (B' d B)] A, where * multiplies
   value by value and d are the 4 x 4 input pixels under it. That is 16 products of channels in place of 36. B and A
   hold 0, 1 and -1 alone, so that spikes stay exact. The gradient of the weights is the same equation, read from the
   other side. A value that is not finite reaches its whole tile. */

/* G w G' of every pair of channels, [16, IN, OUT]; `back` for the filter that carries gradients, [16, OUT, IN]. */
static void transform_weights(const real *w, value *u, int back)
{
#pragma omp for schedule(static)
    for (int64_t o = 0; o < OUT; o++)
        for (int64_t i = 0; i < IN; i++) {
            const real *given = w + (o * IN + i) * 9;
            real half[4][3];
            for (int x = 0; x < 3; x++) {
                const int top = back ? 8 - x : x, down = back ? -3 : 3;
                const real a = given[top], b = given[top + down], c = given[top + 2 * down];
                half[0][x] = a, half[1][x] = (a + b + c) / 2, half[2][x] = (a - b + c) / 2, half[3][x] = c;
            }
            for (int y = 0; y < 4; y++) {
                const real a = half[y][0], b = half[y][1], c = half[y][2];
                const real full[4] = {a, (a + b + c) / 2, (a - b + c) / 2, c};
                for (int x = 0; x < 4; x++)
                    u[(y * 4 + x) * IN * OUT + (back ? o * IN + i : i * OUT + o)] = alike(full[x]);
            }
        }
}

/* Groups of TILES tiles beside each other: how many lie in a row of tiles, and how many pixels wide some are that lie
   beside each other, with those around them. */
static inline int64_t groups_in(int64_t W) { return (W + 2 * TILES - 1) / (2 * TILES); }

static inline int64_t columns_of(int64_t groups) { return 2 * TILES * groups + 2; }

/* B' d of `some` groups from (y, x) on, [4, columns, channels]; what lies outside of the image is 0. */
static inline void transform_columns(
    const void *image, int64_t H, int64_t W, int64_t C, int64_t y, int64_t x, int64_t some, const real *zeros,
    real *half, int narrow)
{
    const int64_t columns = columns_of(some), first = 2 * TILES * x - 1;
    const int64_t left = first < 0 ? 0 : first, right = least(first + columns, W);
    const int64_t before = (left - first) * C, count = (right - left) * C, all = columns * C;
    const void *rows[4];
    for (int r = 0; r < 4; r++) {
        const int64_t iy = 2 * y + r - 1;
        rows[r] = iy >= 0 && iy < H ? moved(image, (iy * W + left) * C, narrow) : zeros;
        memset(half + r * all, 0, before * sizeof *half);
        memset(half + r * all + before + count, 0, (all - before - count) * sizeof *half);
    }
    /* Read with the next row of tiles, which no processor guesses. */
    for (int r = 3; r < 5; r++)
        for (int64_t i = 0; i < count; i += 64 / (narrow ? 1 : (int64_t)sizeof(real)))
            __builtin_prefetch(moved(image, ((2 * y + r) * W + left) * C + i, narrow));
    real *restrict to = half + before;
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        real d[4];
        for (int r = 0; r < 4; r++)
            d[r] = narrow ? ((const int8_t *)rows[r])[i] : ((const real *)rows[r])[i];
        to[i] = d[0] - d[2];
        to[all + i] = d[1] + d[2];
        to[2 * all + i] = d[2] - d[1];
        to[3 * all + i] = d[1] - d[3];
    }
}

/* B' d B of `some` groups, into [16, CHUNK, channels], from their B' d. */
static inline void transform_rows(const real *half, int64_t C, int64_t some, value *v)
{
    const int64_t all = columns_of(some) * C;
    for (int64_t group = 0; group < some; group++)
        for (int r = 0; r < 4; r++)
            for (int64_t at = 0; at < C; at += LANES) {
                const real *from = half + r * all + group * 2 * TILES * C + at;
                vector d[4];
                for (int c = 0; c < 4; c++)
                    d[c] = weave(from + c * C, from + (c + 2) * C);
                const vector full[4] = {d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]};
                for (int c = 0; c < 4; c++)
                    *(vector *)(v + ((r * 4 + c) * CHUNK + group) * C + at) = full[c];
            }
}

/* B' d B of `some` groups among those of all images, [16, CHUNK, channels]. */
static inline void transform_groups(
    const void *x, int64_t H, int64_t W, int64_t C, int64_t first, int64_t some, const real *zeros, real *half,
    value *v, int narrow)
{
    const int64_t high = (H + 1) / 2, wide = groups_in(W);
    place at = place_of(first, high, wide);
    while (some > 0) {
        const int64_t beside = least(some, wide - at.x);
        const void *image = moved(x, at.image * H * W * C, narrow);
        transform_columns(image, H, W, C, at.y, at.x, beside, zeros, half, narrow);
        transform_rows(half, C, beside, v);
        v += beside * C, some -= beside;
        at.x += beside - 1, at = behind(at, high, wide);
    }
}

/* A' m A of a group, into those of its pixels that the image has. */
static void untransform_group(const value *m, int64_t C, real *image, int64_t H, int64_t W, int64_t y, int64_t x)
{
    for (int64_t at = 0; at < C; at += LANES) {
        vector half[2][4];
        for (int c = 0; c < 4; c++) {
            vector d[4];
            for (int r = 0; r < 4; r++)
                d[r] = *(const vector *)(m + (r * 4 + c) * CHUNK * C + at);
            half[0][c] = d[0] + d[1] + d[2], half[1][c] = d[1] - d[2] - d[3];
        }
        for (int r = 0; r < 2; r++) {
            const vector *d = half[r], full[2] = {d[0] + d[1] + d[2], d[1] - d[2] - d[3]};
            for (int c = 0; c < 2 * TILES; c++)
                if (y + r < H && x + c < W)
                    *(pixel *)(image + ((y + r) * W + x + c) * C + at) = unwoven(full[c % 2], c / 2);
        }
    }
}

/* Values that are room for the transforms of CHUNK groups: their B' d, and the matrices of inputs and outputs. */
static int64_t room(int64_t in, int64_t out)
{
    return lines(4 * columns_of(CHUNK) * in) + lines(TILES * 16 * CHUNK * (in + out));
}

/* What x becomes, [N, H, W, IN] to [N, H, W, OUT], or, `back`, the gradient of the output to that of the input. */
static int filter(const extent *e, const real *x, const real *w, real *y, int back)
{
    const int64_t H = e->height, W = e->width, I = back ? OUT : IN, O = back ? IN : OUT;
    const int64_t high = (H + 1) / 2, wide = groups_in(W), groups = e->images * high * wide;
    const int64_t outside = least(W, columns_of(CHUNK)) * I;
    const int64_t shared = lines(TILES * 16 * I * O) + lines(outside), own = room(I, O);
    real *memory = allocate(shared + e->threads * own);
    if (!memory)
        return 0;
    value *u = (value *)memory;
    real *zeros = memory + lines(TILES * 16 * I * O);
    memset(zeros, 0, outside * sizeof *zeros);
#pragma omp parallel num_threads(e->threads)
    {
        real *half = memory + shared + worker() * own;
        value *v = (value *)(half + lines(4 * columns_of(CHUNK) * I)), *m = v + 16 * CHUNK * I;
        transform_weights(w, u, back);
#pragma omp for schedule(static)
        for (int64_t first = 0; first < groups; first += CHUNK) {
            const int64_t some = least(CHUNK, groups - first);
            transform_groups(x, H, W, I, first, some, zeros, half, v, 0);
            for (int64_t each = 0; each < 16; each++)
                multiply_all(v + each * CHUNK * I, u + each * I * O, m + each * CHUNK * O, some, I, O);
            place at = place_of(first, high, wide);
            for (int64_t g = 0; g < some; g++, at = behind(at, high, wide))
                untransform_group(m + g * O, O, y + at.image * H * W * O, H, W, 2 * at.y, 2 * TILES * at.x);
        }
    }
    free(memory);
    return 1;
}

/* The output [N, H, W, OUT] of x [N, H, W, IN] and weights [OUT, IN, 3, 3]. */
int winograd_output(const extent *e, const real *x, const real *w, real *y) { return filter(e, x, w, y, 0); }

/* The gradient of x [N, H, W, IN] from that of the output. */
int winograd_inputs(const extent *e, const real *grad, const real *w, real *x) { return filter(e, grad, w, x, 1); }

/* A d A' of a group, into [16, CHUNK, channels]. */
static void spread_group(
    const real *image, int64_t H, int64_t W, int64_t C, int64_t y, int64_t x, const real *zeros, value *m)
{
    const real *pixels[2][2 * TILES];
    for (int r = 0; r < 2; r++)
        for (int c = 0; c < 2 * TILES; c++)
            pixels[r][c] = y + r < H && x + c < W ? image + ((y + r) * W + x + c) * C : zeros;
    const real *next = image + ((y + 2) * W + x) * C;
    for (int64_t at = 0; at < C; at += LANES) {
        for (int r = 0; r < 2; r++)
            for (int c = 0; c < 2 * TILES; c++)
                __builtin_prefetch(next + (r * W + c) * C + at);
        vector half[4][2];
        for (int c = 0; c < 2; c++) {
            const int other = 2 * (TILES - 1) + c;
            const vector a = weave(pixels[0][c] + at, pixels[0][other] + at);
            const vector b = weave(pixels[1][c] + at, pixels[1][other] + at);
            half[0][c] = a, half[1][c] = a + b, half[2][c] = a - b, half[3][c] = -b;
        }
        for (int r = 0; r < 4; r++) {
            const vector a = half[r][0], b = half[r][1], full[4] = {a, a + b, a - b, -b};
            for (int c = 0; c < 4; c++)
                *(vector *)(m + (r * 4 + c) * CHUNK * C + at) = full[c];
        }
    }
}

/* G' u G of u [16, IN, OUT], as weights [OUT, IN, 3, 3]. */
static void untransform_weights(const value *u, real *w)
{
#pragma omp for schedule(static)
    for (int64_t o = 0; o < OUT; o++)
        for (int64_t i = 0; i < IN; i++) {
            real half[3][4];
            for (int x = 0; x < 4; x++) {
                real sum[4];
                for (int y = 0; y < 4; y++)
                    sum[y] = total(u[((y * 4 + x) * IN + i) * OUT + o]);
                half[0][x] = sum[0] + (sum[1] + sum[2]) / 2, half[1][x] = (sum[1] - sum[2]) / 2;
                half[2][x] = (sum[1] + sum[2]) / 2 + sum[3];
            }
            for (int y = 0; y < 3; y++) {
                const real *h = half[y];
                real *to = w + ((o * IN + i) * 3 + y) * 3;
                to[0] = h[0] + (h[1] + h[2]) / 2, to[1] = (h[1] - h[2]) / 2, to[2] = (h[1] + h[2]) / 2 + h[3];
            }
        }
}

/* The gradient of weights; x is `narrow` or not, and a copy of the code for each is what makes that cost nothing. */
static int weights(const extent *e, const void *x, const real *grad, real *w, int narrow)
{
    const int64_t H = e->height, W = e->width, I = IN, O = OUT, B = e->blocks;
    const int64_t high = (H + 1) / 2, wide = groups_in(W), groups = e->images * high * wide, block = (groups + B - 1) / B;
    const int64_t size = 16 * I * O, outside = least(W, columns_of(CHUNK)) * (I + O);
    const int64_t shared = lines(TILES * B * size) + lines(outside), own = room(I, O);
    real *memory = allocate(shared + e->threads * own);
    if (!memory)
        return 0;
    value *u = (value *)memory;
    real *zeros = memory + lines(TILES * B * size);
    memset(zeros, 0, outside * sizeof *zeros);
#pragma omp parallel num_threads(e->threads)
    {
        real *half = memory + shared + worker() * own;
        value *v = (value *)(half + lines(4 * columns_of(CHUNK) * I)), *m = v + 16 * CHUNK * I;
#pragma omp for schedule(static)
        for (int64_t b = 0; b < B; b++) {
            value *sum = u + b * size;
            memset(sum, 0, size * sizeof *sum);
            const int64_t end = least((b + 1) * block, groups);
            for (int64_t first = b * block; first < end; first += CHUNK) {
                const int64_t some = least(CHUNK, end - first);
                if (narrow)
                    transform_groups(x, H, W, I, first, some, zeros, half, v, 1);
                else
                    transform_groups(x, H, W, I, first, some, zeros, half, v, 0);
                place at = place_of(first, high, wide);
                for (int64_t g = 0; g < some; g++, at = behind(at, high, wide))
                    spread_group(grad + at.image * H * W * O, H, W, O, 2 * at.y, 2 * TILES * at.x, zeros, m + g * O);
                for (int64_t each = 0; each < 16; each++)
                    accumulate_all(v + each * CHUNK * I, m + each * CHUNK * O, sum + each * I * O, some, I, O);
            }
        }
        join_blocks(e, memory, TILES * size);
        untransform_weights(u, w);
    }
    free(memory);
    return 1;
}

/* The gradient of weights [OUT, IN, 3, 3], from x [N, H, W, IN] and that of the output [N, H, W, OUT]. */
int winograd_weights(const extent *e, const real *x, const real *grad, real *w) { return weights(e, x, grad, w, 0); }

int winograd_weights_of_bytes(const extent *e, const int8_t *x, const real *grad, real *w)
{
    return weights(e, x, grad, w, 1);
}
