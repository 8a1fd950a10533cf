/* Convolutions of 3 x 3 pixels with stride 1, in fewer operations than their definition takes. Behind products.c.

   Minimal filtering after Winograd, F(2 x 2, 3 x 3) in Lavin and Gray, "Fast Algorithms for Convolutional Neural
   Networks" (CVPR 2016), equation 8: a tile of 2 x 2 output pixels is A' [(G w G') * (B' d B)] A, where * multiplies
   value by value and d are the 4 x 4 input pixels under it. That is 16 products of channels in place of 36. B and A
   hold 0, 1 and -1 alone, so that spikes stay exact. The gradient of the weights is the same equation, read from the
   other side. A value that is not finite reaches its whole tile. */

/* G w G' of every pair of channels, [16, in, out]; `back` for the filter that carries gradients, [16, out, in]. */
static void transform_weights(const extent *e, const real *w, real *u, int back)
{
    const int64_t I = e->in, O = e->out;
#pragma omp for schedule(static)
    for (int64_t o = 0; o < O; o++)
        for (int64_t i = 0; i < I; i++) {
            const real *given = w + (o * I + i) * 9;
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
                    u[(y * 4 + x) * I * O + (back ? o * I + i : i * O + o)] = full[x];
            }
        }
}

/* B' d B of a tile whose first pixel is above and left of (y, x), into [16, CHUNK, channels]. */
static inline void transform_tile(
    const void *image, int64_t H, int64_t W, int64_t C, int64_t y, int64_t x, const real *zeros, real *v,
    int narrow)
{
    const void *pixels[4][4];
    for (int r = 0; r < 4; r++)
        for (int c = 0; c < 4; c++) {
            const int64_t iy = y + r - 1, ix = x + c - 1;
            pixels[r][c] = iy >= 0 && iy < H && ix >= 0 && ix < W ? moved(image, (iy * W + ix) * C, narrow) : zeros;
        }
    /* Read with the next row of tiles, which no processor guesses. */
    const void *next = moved(image, ((y + 3) * W + x) * C, narrow);
    for (int64_t at = 0; at < C; at += LANES) {
        for (int r = 0; r < 2; r++)
            for (int c = 0; c < 2; c++)
                __builtin_prefetch(moved(next, (r * W + c) * C + at, narrow));
        vector half[4][4];
        for (int c = 0; c < 4; c++) {
            vector d[4];
            for (int r = 0; r < 4; r++)
                d[r] = load(moved(pixels[r][c], at, narrow), narrow);
            half[0][c] = d[0] - d[2], half[1][c] = d[1] + d[2], half[2][c] = d[2] - d[1], half[3][c] = d[1] - d[3];
        }
        for (int r = 0; r < 4; r++) {
            const vector *d = half[r], full[4] = {d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]};
            for (int c = 0; c < 4; c++)
                *(vector *)(v + (r * 4 + c) * CHUNK * C + at) = full[c];
        }
    }
}

/* A' m A of a tile, into those of its pixels that the image has. */
static void untransform_tile(const real *m, int64_t C, real *image, int64_t H, int64_t W, int64_t y, int64_t x)
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
            for (int c = 0; c < 2; c++)
                if (y + r < H && x + c < W)
                    *(vector *)(image + ((y + r) * W + x + c) * C + at) = full[c];
        }
    }
}

/* What x becomes, [N, H, W, in] to [N, H, W, out], or, `back`, the gradient of the output to that of the input. */
static int filter(const extent *e, const real *x, const real *w, real *y, int back)
{
    const int64_t H = e->height, W = e->width, I = back ? e->out : e->in, O = back ? e->in : e->out;
    const int64_t high = (H + 1) / 2, wide = (W + 1) / 2, tiles = e->images * high * wide;
    const int64_t shared = lines(16 * I * O) + lines(I), own = lines(16 * CHUNK * (I + O));
    real *u = allocate(shared + e->threads * own);
    if (!u)
        return 0;
    real *zeros = u + lines(16 * I * O);
    memset(zeros, 0, I * sizeof *zeros);
#pragma omp parallel num_threads(e->threads)
    {
        real *v = u + shared + worker() * own, *m = v + 16 * CHUNK * I;
        transform_weights(e, w, u, back);
#pragma omp for schedule(static)
        for (int64_t first = 0; first < tiles; first += CHUNK) {
            const int64_t some = least(CHUNK, tiles - first);
            place at = place_of(first, high, wide);
            for (int64_t t = 0; t < some; t++, at = behind(at, high, wide))
                transform_tile(x + at.image * H * W * I, H, W, I, 2 * at.y, 2 * at.x, zeros, v + t * I, 0);
            for (int64_t each = 0; each < 16; each++)
                multiply_all(v + each * CHUNK * I, u + each * I * O, m + each * CHUNK * O, some, I, O);
            at = place_of(first, high, wide);
            for (int64_t t = 0; t < some; t++, at = behind(at, high, wide))
                untransform_tile(m + t * O, O, y + at.image * H * W * O, H, W, 2 * at.y, 2 * at.x);
        }
    }
    free(u);
    return 1;
}

/* The output [N, H, W, out] of x [N, H, W, in] and weights [out, in, 3, 3]. */
int winograd_output(const extent *e, const real *x, const real *w, real *y) { return filter(e, x, w, y, 0); }

/* The gradient of x [N, H, W, in] from that of the output. */
int winograd_inputs(const extent *e, const real *grad, const real *w, real *x) { return filter(e, grad, w, x, 1); }

/* A d A' of a tile, into [16, CHUNK, channels]. */
static void spread_tile(
    const real *image, int64_t H, int64_t W, int64_t C, int64_t y, int64_t x, const real *zeros, real *m)
{
    const real *pixels[2][2];
    for (int r = 0; r < 2; r++)
        for (int c = 0; c < 2; c++)
            pixels[r][c] = y + r < H && x + c < W ? image + ((y + r) * W + x + c) * C : zeros;
    const real *next = image + ((y + 2) * W + x) * C;
    for (int64_t at = 0; at < C; at += LANES) {
        for (int r = 0; r < 2; r++)
            for (int c = 0; c < 2; c++)
                __builtin_prefetch(next + (r * W + c) * C + at);
        vector half[4][2];
        for (int c = 0; c < 2; c++) {
            const vector a = *(const vector *)(pixels[0][c] + at), b = *(const vector *)(pixels[1][c] + at);
            half[0][c] = a, half[1][c] = a + b, half[2][c] = a - b, half[3][c] = -b;
        }
        for (int r = 0; r < 4; r++) {
            const vector a = half[r][0], b = half[r][1], full[4] = {a, a + b, a - b, -b};
            for (int c = 0; c < 4; c++)
                *(vector *)(m + (r * 4 + c) * CHUNK * C + at) = full[c];
        }
    }
}

/* G' u G of u [16, in, out], as weights [out, in, 3, 3]. */
static void untransform_weights(const extent *e, const real *u, real *w)
{
    const int64_t I = e->in, O = e->out;
#pragma omp for schedule(static)
    for (int64_t o = 0; o < O; o++)
        for (int64_t i = 0; i < I; i++) {
            real half[3][4];
            for (int x = 0; x < 4; x++) {
                const real *sum = u + (x * I + i) * O + o;
                const real a = sum[0], b = sum[4 * I * O], c = sum[8 * I * O], d = sum[12 * I * O];
                half[0][x] = a + (b + c) / 2, half[1][x] = (b - c) / 2, half[2][x] = (b + c) / 2 + d;
            }
            for (int y = 0; y < 3; y++) {
                const real *h = half[y];
                real *to = w + ((o * I + i) * 3 + y) * 3;
                to[0] = h[0] + (h[1] + h[2]) / 2, to[1] = (h[1] - h[2]) / 2, to[2] = (h[1] + h[2]) / 2 + h[3];
            }
        }
}

/* The gradient of weights; x is `narrow` or not, and a copy of the code for each is what makes that cost nothing. */
static int weights(const extent *e, const void *x, const real *grad, real *w, int narrow)
{
    const int64_t H = e->height, W = e->width, I = e->in, O = e->out, B = e->blocks;
    const int64_t high = (H + 1) / 2, wide = (W + 1) / 2, tiles = e->images * high * wide, block = (tiles + B - 1) / B;
    const int64_t shared = lines(B * 16 * I * O) + lines(I + O), own = lines(16 * CHUNK * (I + O));
    real *u = allocate(shared + e->threads * own);
    if (!u)
        return 0;
    real *zeros = u + lines(B * 16 * I * O);
    memset(zeros, 0, (I + O) * sizeof *zeros);
#pragma omp parallel num_threads(e->threads)
    {
        real *v = u + shared + worker() * own, *m = v + 16 * CHUNK * I;
#pragma omp for schedule(static)
        for (int64_t b = 0; b < B; b++) {
            real *sum = u + b * 16 * I * O;
            memset(sum, 0, 16 * I * O * sizeof *sum);
            const int64_t end = least((b + 1) * block, tiles);
            for (int64_t first = b * block; first < end; first += CHUNK) {
                const int64_t some = least(CHUNK, end - first);
                place at = place_of(first, high, wide);
                for (int64_t t = 0; t < some; t++, at = behind(at, high, wide)) {
                    const void *image = moved(x, at.image * H * W * I, narrow);
                    if (narrow)
                        transform_tile(image, H, W, I, 2 * at.y, 2 * at.x, zeros, v + t * I, 1);
                    else
                        transform_tile(image, H, W, I, 2 * at.y, 2 * at.x, zeros, v + t * I, 0);
                    spread_tile(grad + at.image * H * W * O, H, W, O, 2 * at.y, 2 * at.x, zeros, m + t * O);
                }
                for (int64_t each = 0; each < 16; each++)
                    accumulate_all(v + each * CHUNK * I, m + each * CHUNK * O, sum + each * I * O, some, I, O);
            }
        }
        join_blocks(e, u, 16 * I * O);
        untransform_weights(e, u, w);
    }
    free(u);
    return 1;
}

/* The gradient of weights [out, in, 3, 3], from x [N, H, W, in] and that of the output [N, H, W, out]. */
int winograd_weights(const extent *e, const real *x, const real *grad, real *w) { return weights(e, x, grad, w, 0); }

int winograd_weights_of_bytes(const extent *e, const int8_t *x, const real *grad, real *w)
{
    return weights(e, x, grad, w, 1);
}
