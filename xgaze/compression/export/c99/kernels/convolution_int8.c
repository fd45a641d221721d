/* Needs: rescaled, clamped. */
/* Channels and outputs are those of one group. What is below zero is multiplied by negative / 2^30. */
struct convolution_int8 {
    int batch, groups, channels, outputs, height, width, rows, columns, kernel_rows, kernel_columns;
    int stride_rows, stride_columns, dilation_rows, dilation_columns, top, left, zero_in, zero_out;
    int32_t negative;
    const int8_t *weights, *shifts;
    const int32_t *bias, *multipliers;
};

static void convolution_int8(const struct convolution_int8 *p, const uint8_t *x, uint8_t *y)
{
    const int pixels = p->height * p->width, all = p->groups * p->outputs;
    for (int k = 0; k < p->batch * all; k++) {
        const int output = k % all;
        const uint8_t *planes = x + (k / all * p->groups + output / p->outputs) * p->channels * pixels;
        for (int row = 0; row < p->rows; row++)
            for (int column = 0; column < p->columns; column++) {
                const int8_t *weight = p->weights + output * p->channels * p->kernel_rows * p->kernel_columns;
                int32_t sum = p->bias[output];
                for (int channel = 0; channel < p->channels; channel++)
                    for (int i = 0; i < p->kernel_rows; i++) {
                        const int from = row * p->stride_rows - p->top + i * p->dilation_rows;
                        for (int j = 0; j < p->kernel_columns; j++, weight++) {
                            const int at = column * p->stride_columns - p->left + j * p->dilation_columns;
                            if (from >= 0 && from < p->height && at >= 0 && at < p->width)
                                sum += *weight * (planes[channel * pixels + from * p->width + at] - p->zero_in);
                        }
                    }
                const int64_t found = sum < 0 ? rescaled(sum, p->negative, 30) : sum;
                *y++ = clamped(p->zero_out + rescaled(found, p->multipliers[output], p->shifts[output]));
            }
    }
}
