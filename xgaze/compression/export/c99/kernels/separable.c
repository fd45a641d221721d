/* A dense layer on maps of height x width, the filter of each output on each map being a sum of `terms` products of a row
   filter and a column filter: row_weights (outputs, channels, height, terms), column_weights (outputs, channels, terms, width). */
struct separable {
    int batch, outputs, channels, height, width, terms;
    float negative;
    const float *row_weights, *column_weights, *bias;
};

static void separable(const struct separable *p, const float *x, float *y)
{
    for (int k = 0; k < p->batch * p->outputs; k++) {
        const int output = k % p->outputs;
        const float *pixels = x + k / p->outputs * p->channels * p->height * p->width;
        const float *down = p->row_weights + output * p->channels * p->height * p->terms;
        float sum = p->bias[output];
        for (int channel = 0; channel < p->channels; channel++) {
            const float *across = p->column_weights + (output * p->channels + channel) * p->terms * p->width;
            for (int row = 0; row < p->height; row++, pixels += p->width)
                for (int term = 0; term < p->terms; term++) {
                    float inner = 0;
                    for (int i = 0; i < p->width; i++)
                        inner += across[term * p->width + i] * pixels[i];
                    sum += *down++ * inner;
                }
        }
        y[k] = sum < 0 ? sum * p->negative : sum;
    }
}
