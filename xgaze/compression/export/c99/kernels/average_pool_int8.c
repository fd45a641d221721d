/* Padding counts where `count_padding` says so, as far as `bottom` and `right` reach. Halves go up. */
struct average_pool_int8 {
    int planes, height, width, rows, columns, kernel_rows, kernel_columns, stride_rows, stride_columns;
    int dilation_rows, dilation_columns, top, left, bottom, right, count_padding, zero;
};

static void average_pool_int8(const struct average_pool_int8 *p, const uint8_t *x, uint8_t *y)
{
    for (int plane = 0; plane < p->planes; plane++, x += p->height * p->width)
        for (int row = 0; row < p->rows; row++)
            for (int column = 0; column < p->columns; column++) {
                int32_t count = 0, sum = 0;
                for (int i = 0; i < p->kernel_rows; i++)
                    for (int j = 0; j < p->kernel_columns; j++) {
                        const int from = row * p->stride_rows - p->top + i * p->dilation_rows;
                        const int at = column * p->stride_columns - p->left + j * p->dilation_columns;
                        const int inside = from >= 0 && from < p->height && at >= 0 && at < p->width;
                        if (inside)
                            sum += x[from * p->width + at] - p->zero;
                        count += inside || (p->count_padding && from < p->height + p->bottom && at < p->width + p->right);
                    }
                const int32_t twice = 2 * sum + count, whole = 2 * count;
                *y++ = (uint8_t)(p->zero + (twice >= 0 ? twice / whole : -((-twice + whole - 1) / whole)));
            }
}
