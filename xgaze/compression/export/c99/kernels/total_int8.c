/* Needs: rescaled, clamped. */
struct total_int8 {
    int outer, count, inner, zero_in, zero_out, shift;
    int32_t multiplier;
};

static void total_int8(const struct total_int8 *p, const uint8_t *x, uint8_t *y)
{
    for (int k = 0; k < p->outer * p->inner; k++) {
        const uint8_t *first = x + k / p->inner * p->count * p->inner + k % p->inner;
        int32_t sum = 0;
        for (int i = 0; i < p->count; i++)
            sum += first[i * p->inner] - p->zero_in;
        y[k] = clamped(p->zero_out + rescaled(sum, p->multiplier, p->shift));
    }
}
