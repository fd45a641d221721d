/* Needs: rescaled, clamped. */
struct dense_int8 {
    int batch, width, outputs, zero_in, zero_out;
    int32_t negative;
    const int8_t *weights, *shifts;
    const int32_t *bias, *multipliers;
};

static void dense_int8(const struct dense_int8 *p, const uint8_t *x, uint8_t *y)
{
    for (int k = 0; k < p->batch * p->outputs; k++) {
        const int output = k % p->outputs;
        const uint8_t *row = x + k / p->outputs * p->width;
        const int8_t *weight = p->weights + output * p->width;
        int32_t sum = p->bias[output];
        for (int i = 0; i < p->width; i++)
            sum += weight[i] * (row[i] - p->zero_in);
        const int64_t found = sum < 0 ? rescaled(sum, p->negative, 30) : sum;
        y[k] = clamped(p->zero_out + rescaled(found, p->multipliers[output], p->shifts[output]));
    }
}
