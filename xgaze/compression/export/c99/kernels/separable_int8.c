/* Needs: shifted, rescaled, clamped. */
/* As in single precision; sums of products of three are taken down by 2^downs before the bias comes on top. */
struct separable_int8 {
    int batch, outputs, channels, height, width, terms, zero_in, zero_out;
    int32_t negative;
    const int8_t *row_weights, *column_weights, *downs, *shifts;
    const int32_t *bias, *multipliers;
};

static void separable_int8(const struct separable_int8 *p, const uint8_t *x, uint8_t *y)
{
    for (int k = 0; k < p->batch * p->outputs; k++) {
        const int output = k % p->outputs;
        const uint8_t *pixels = x + k / p->outputs * p->channels * p->height * p->width;
        const int8_t *down = p->row_weights + output * p->channels * p->height * p->terms;
        int64_t sum = 0;
        for (int channel = 0; channel < p->channels; channel++) {
            const int8_t *across = p->column_weights + (output * p->channels + channel) * p->terms * p->width;
            for (int row = 0; row < p->height; row++, pixels += p->width)
                for (int term = 0; term < p->terms; term++) {
                    int32_t inner = 0;
                    for (int i = 0; i < p->width; i++)
                        inner += across[term * p->width + i] * (pixels[i] - p->zero_in);
                    sum += (int64_t)*down++ * inner;
                }
        }
        sum = shifted(sum, p->downs[output]) + p->bias[output];
        sum = sum < 0 ? rescaled(sum, p->negative, 30) : sum;
        y[k] = clamped(p->zero_out + rescaled(sum, p->multipliers[output], p->shifts[output]));
    }
}
