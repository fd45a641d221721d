/* The last dense layer: 8-bit steps of what it puts out would be too coarse. */
struct dense_to_float {
    int batch, width, outputs, zero_in;
    float negative;
    const int8_t *weights;
    const int32_t *bias;
    const float *scales;
};

static void dense_to_float(const struct dense_to_float *p, const uint8_t *x, float *y)
{
    for (int k = 0; k < p->batch * p->outputs; k++) {
        const int output = k % p->outputs;
        const uint8_t *row = x + k / p->outputs * p->width;
        const int8_t *weight = p->weights + output * p->width;
        int32_t sum = p->bias[output];
        for (int i = 0; i < p->width; i++)
            sum += weight[i] * (row[i] - p->zero_in);
        const float found = (float)sum * p->scales[output];
        y[k] = found < 0 ? found * p->negative : found;
    }
}
