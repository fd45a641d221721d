/* Padding counts where `count_padding` says so, as far as `bottom` and `right` reach. */
struct average_pool {
    int planes, height, width, rows, columns, kernel_rows, kernel_columns, stride_rows, stride_columns;
    int dilation_rows, dilation_columns, top, left, bottom, right, count_padding;
};

static void average_pool(const struct average_pool *p, const float *x, float *y)
{
    for (int plane = 0; plane < p->planes; plane++, x += p->height * p->width)
        for (int row = 0; row < p->rows; row++)
            for (int column = 0; column < p->columns; column++) {
                int count = 0;
                float sum = 0;
                for (int i = 0; i < p->kernel_rows; i++)
                    for (int j = 0; j < p->kernel_columns; j++) {
                        const int from = row * p->stride_rows - p->top + i * p->dilation_rows;
                        const int at = column * p->stride_columns - p->left + j * p->dilation_columns;
                        const int inside = from >= 0 && from < p->height && at >= 0 && at < p->width;
                        if (inside)
                            sum += x[from * p->width + at];
                        count += inside || (p->count_padding && from < p->height + p->bottom && at < p->width + p->right);
                    }
                *y++ = sum / (float)count;
            }
}
