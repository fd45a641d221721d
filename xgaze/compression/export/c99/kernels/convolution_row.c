/* Channels and outputs are those of one group. What is below zero is multiplied by `negative`;
   filters that are turned are read right to left. */
struct convolution {
    int batch, groups, channels, outputs, height, width, rows, columns, kernel_rows, kernel_columns;
    int stride_rows, stride_columns, dilation_rows, dilation_columns, turned, top, left;
    float negative;
    const float *weights, *bias;
};

/* One row of plane k of what comes out. */
static void convolution_row(const struct convolution *p, int k, int row, const float *x, float *y)
{
    const int pixels = p->height * p->width, all = p->groups * p->outputs, output = k % all;
    const int ahead = p->turned ? -1 : 1, start = p->turned ? p->kernel_columns - 1 : 0;
    const float *planes = x + (k / all * p->groups + output / p->outputs) * p->channels * pixels;
    for (int column = 0; column < p->columns; column++) {
        const int left = column * p->stride_columns - p->left;
        const float *weight = p->weights + output * p->channels * p->kernel_rows * p->kernel_columns;
        float sum = p->bias[output];
        int first = 0, last = p->kernel_columns;
        while (first < last && left + first * p->dilation_columns < 0)
            first++;
        while (first < last && left + (last - 1) * p->dilation_columns >= p->width)
            last--;
        for (int channel = 0; channel < p->channels; channel++)
            for (int i = 0; i < p->kernel_rows; i++, weight += p->kernel_columns) {
                const int from = row * p->stride_rows - p->top + i * p->dilation_rows;
                int at = channel * pixels + from * p->width + left + first * p->dilation_columns;
                int tap = start + ahead * first;
                if (from < 0 || from >= p->height)
                    continue;
                for (int j = first; j < last; j++, tap += ahead, at += p->dilation_columns)
                    sum += weight[tap] * planes[at];
            }
        y[column] = sum < 0 ? sum * p->negative : sum;
    }
}
