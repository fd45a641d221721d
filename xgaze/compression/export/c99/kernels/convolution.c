/* Channels and outputs are those of one group. What is below zero is multiplied by `negative`. */
struct convolution {
    int batch, groups, channels, outputs, height, width, rows, columns, kernel_rows, kernel_columns;
    int stride_rows, stride_columns, dilation_rows, dilation_columns, top, left;
    float negative;
    const float *weights, *bias;
};

static void convolution(const struct convolution *p, const float *x, float *y)
{
    const int pixels = p->height * p->width, all = p->groups * p->outputs;
    for (int k = 0; k < p->batch * all; k++) {
        const float *planes = x + (k / all * p->groups + k % all / p->outputs) * p->channels * pixels;
        for (int row = 0; row < p->rows; row++)
            for (int column = 0; column < p->columns; column++) {
                const float *weight = p->weights + k % all * p->channels * p->kernel_rows * p->kernel_columns;
                float sum = p->bias[k % all];
                for (int channel = 0; channel < p->channels; channel++)
                    for (int i = 0; i < p->kernel_rows; i++) {
                        const int from = row * p->stride_rows - p->top + i * p->dilation_rows;
                        for (int j = 0; j < p->kernel_columns; j++, weight++) {
                            const int at = column * p->stride_columns - p->left + j * p->dilation_columns;
                            if (from >= 0 && from < p->height && at >= 0 && at < p->width)
                                sum += *weight * planes[channel * pixels + from * p->width + at];
                        }
                    }
                *y++ = sum < 0 ? sum * p->negative : sum;
            }
    }
}
