struct max_pool_int8 {
    int planes, height, width, rows, columns, kernel_rows, kernel_columns, stride_rows, stride_columns;
    int dilation_rows, dilation_columns, top, left;
};

static void max_pool_int8(const struct max_pool_int8 *p, const uint8_t *x, uint8_t *y)
{
    for (int plane = 0; plane < p->planes; plane++, x += p->height * p->width)
        for (int row = 0; row < p->rows; row++)
            for (int column = 0; column < p->columns; column++) {
                int empty = 1;
                uint8_t largest = 0;
                for (int i = 0; i < p->kernel_rows; i++)
                    for (int j = 0; j < p->kernel_columns; j++) {
                        const int from = row * p->stride_rows - p->top + i * p->dilation_rows;
                        const int at = column * p->stride_columns - p->left + j * p->dilation_columns;
                        if (from < 0 || from >= p->height || at < 0 || at >= p->width)
                            continue;
                        if (empty || x[from * p->width + at] > largest)
                            largest = x[from * p->width + at];
                        empty = 0;
                    }
                *y++ = largest;
            }
}
