//! A library module that itself uses another one.

extern "stats" fn mean() f64;

export fn scaled(factor: f64) f64 {
    return mean() * factor;
}
