/* e to the power of x in single precision, by arithmetic alone: the same bits on every machine. */
static float exponential(float x)
{
    if (x > 88.0f)
        x = 88.0f;
    if (x < -86.0f)
        x = -86.0f;
    const float scaled = x * 1.44269504f;
    const int whole = (int)(scaled < 0 ? scaled - 0.5f : scaled + 0.5f);
    const float rest = (x - (float)whole * 0.693359375f) - (float)whole * -2.12194440e-4f;
    float found = 1.3888889e-3f;
    found = found * rest + 8.3333333e-3f;
    found = found * rest + 4.1666668e-2f;
    found = found * rest + 0.16666667f;
    found = found * rest + 0.5f;
    found = found * rest + 1.0f;
    found = found * rest + 1.0f;
    for (int k = 0; k < whole; k++)
        found *= 2.0f;
    for (int k = 0; k > whole; k--)
        found *= 0.5f;
    return found;
}
