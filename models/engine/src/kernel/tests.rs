use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

use super::vector::swiglu;
use super::*;

/// Numbers without pattern, the same every time (a linear congruential generator, Knuth's MMIX).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    fn values(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.next()).collect()
    }
}

fn inputs(isa: Isa, columns: usize, values: &[f32]) -> Inputs {
    let mut inputs = Inputs::default();
    inputs.fill(isa, (values.len() / columns, columns), |row, out| {
        out.copy_from_slice(&values[row * columns..][..columns]);
    });
    inputs
}

fn product(isa: Isa, values: &[f32], weights: &Packed) -> Vec<f32> {
    let inputs = inputs(isa, weights.columns(), values);
    let mut out = vec![0.0; inputs.count() * weights.rows()];
    let target = Target { width: weights.rows(), values: &mut out, column: 0, add: false };
    multiply(isa, &inputs, weights, target);
    out
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// The same with quantised inputs and weights, one number after the other in double precision.
fn expected(values: &[f32], weights: &Packed) -> Vec<f64> {
    let columns = weights.columns();
    let mut row = vec![0.0; columns];
    let matrix: Vec<Vec<f32>> = (0..weights.rows())
        .map(|at| {
            weights.row(at, &mut row);
            row.clone()
        })
        .collect();
    let rounded = |block: &[f32]| -> Vec<f64> {
        let most = block.iter().fold(0.0f32, |most, value| most.max(value.abs()));
        let step = f64::from(most) / 127.0;
        let code = |value: &f32| (f64::from(*value) / step).round_ties_even() * step;
        if most > 0.0 { block.iter().map(code).collect() } else { vec![0.0; block.len()] }
    };
    let rows = values.chunks(columns).map(|row| row.chunks(BLOCK).flat_map(rounded).collect());
    let rows: Vec<Vec<f64>> = rows.collect();
    let dot = |input: &Vec<f64>, weights: &Vec<f32>| -> f64 {
        input.iter().zip(weights).map(|(a, b)| a * f64::from(*b)).sum()
    };
    rows.iter().flat_map(|input| matrix.iter().map(move |weights| dot(input, weights))).collect()
}

#[test]
fn every_path_batch_and_thread_count_gives_the_same_bits() {
    let mut chance = Chance(1);
    for (count, rows, columns) in [
        (1, 1, 32),
        (2, 16, 32),
        (3, 17, 96),
        (5, 47, 64),
        (6, 32, 160),
        (7, 33, 576),
        (19, 80, 32),
    ] {
        let mut values = chance.values(count * columns);
        values[..BLOCK].fill(0.0);
        let source = Source::Values(chance.values(rows * columns));
        for form in [Form::Eight, Form::Four] {
            let weights = Packed::new(&source, rows, columns, Some(form));
            let case = format!("{count} by {rows} by {columns}, {form:?}");
            let all = product(Isa::best(), &values, &weights);
            for isa in Isa::all() {
                assert_eq!(bits(&product(isa, &values, &weights)), bits(&all), "{case} {isa:?}");
            }
            for (row, all) in values.chunks(columns).zip(all.chunks(rows)) {
                assert_eq!(bits(&product(Isa::best(), row, &weights)), bits(all), "{case}, alone");
            }
            let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
            let threads = pool.install(|| product(Isa::best(), &values, &weights));
            assert_eq!(bits(&threads), bits(&all), "{case}, three threads");
            let chosen: Vec<u32> = (0..rows as u32).rev().step_by(3).collect();
            let few = inputs(Isa::best(), columns, &values);
            for (few, all) in
                multiply_rows(Isa::best(), &few, &weights, &chosen).iter().zip(all.chunks(rows))
            {
                let all: Vec<f32> = chosen.iter().map(|row| all[*row as usize]).collect();
                assert_eq!(bits(few), bits(&all), "{case}, some rows");
            }
            for (found, expected) in all.iter().zip(expected(&values, &weights)) {
                let close = (f64::from(*found) - expected).abs() < 1e-4 * (columns as f64).sqrt();
                assert!(close, "{case}: {found} is not {expected}");
            }
        }
    }
}

#[test]
fn extreme_codes_do_not_overflow() {
    let columns = 64;
    for sign in [1.0, -1.0] {
        let source = Source::Values(vec![sign; 16 * columns]);
        let weights = Packed::new(&source, 16, columns, Some(Form::Eight));
        for isa in Isa::all() {
            for found in product(isa, &vec![-3.0; columns], &weights) {
                assert!((found + sign * 192.0).abs() < 0.2, "{isa:?}: {found}");
            }
        }
    }
}

#[test]
fn four_bit_kinds_of_files_lose_nothing() {
    let mut chance = Chance(2);
    let (rows, columns) = (5, 512);
    let values =
        Tensor::from_vec(chance.values(rows * columns), (rows, columns), &Device::Cpu).unwrap();
    for (kind, tolerance) in [
        (GgmlDType::Q4_0, 0.0),
        (GgmlDType::Q4_1, 1e-6),
        (GgmlDType::Q4K, 2e-3),
        (GgmlDType::Q8_0, 0.0),
    ] {
        let stored = QTensor::quantize(&values, kind).unwrap();
        let theirs: Vec<f32> =
            stored.dequantize(&Device::Cpu).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let source = Source::Blocks { kind, bytes: stored.data().unwrap().into_owned() };
        let packed = Packed::new(&source, rows, columns, None);
        let mut row = vec![0.0; columns];
        for (at, theirs) in theirs.chunks(columns).enumerate() {
            packed.row(at, &mut row);
            for (found, expected) in row.iter().zip(theirs) {
                assert!(
                    (found - expected).abs() <= tolerance,
                    "{kind:?}: {found} is not {expected}"
                );
            }
        }
    }
}

#[test]
fn packing_plain_values_stays_within_half_a_step() {
    let mut chance = Chance(3);
    let mut values = chance.values(3 * 64);
    values[7] = 40.0;
    for (form, steps) in [(Form::Eight, 254.0), (Form::Four, 15.0)] {
        let packed = Packed::new(&Source::Values(values.clone()), 3, 64, Some(form));
        let mut row = vec![0.0; 64];
        for (at, expected) in values.chunks(64).enumerate() {
            packed.row(at, &mut row);
            for (found, expected) in row.chunks(BLOCK).zip(expected.chunks(BLOCK)) {
                let most = expected.iter().fold(f32::MIN, |most, value| most.max(*value));
                let least = expected.iter().fold(f32::MAX, |least, value| least.min(*value));
                let range = match form {
                    Form::Eight => 2.0 * most.max(-least),
                    Form::Four => most - least,
                };
                for (found, expected) in found.iter().zip(expected) {
                    let wrong = (found - expected).abs();
                    assert!(wrong <= range / steps * 0.52, "{form:?}: {found}, {expected}");
                }
            }
        }
    }
}

#[test]
fn numbers_that_are_none_do_not_panic() {
    for odd in [f32::NAN, f32::INFINITY, f32::MIN, 1e-45] {
        let weights = Packed::new(&Source::Values(vec![odd; 64]), 2, 32, Some(Form::Four));
        let eight = Packed::new(&Source::Values(vec![odd; 64]), 2, 32, Some(Form::Eight));
        for isa in Isa::all() {
            product(isa, &[odd; 32], &weights);
            product(isa, &[odd; 32], &eight);
        }
    }
}

#[test]
fn attention_sees_its_runs_and_nothing_else() {
    let (heads, width, share) = (2, 80, 3);
    let mut chance = Chance(4);
    let mut kept = KeyValues::new(100, heads, width);
    let rows: Vec<(Vec<f32>, Vec<f32>)> =
        (0..100).map(|_| (chance.values(heads * width), chance.values(heads * width))).collect();
    rows.iter().enumerate().for_each(|(at, (key, value))| kept.put(at, key, value));
    let query = chance.values(heads * share * width);
    for runs in [&[(0, 1)][..], &[(0, 33)], &[(0, 20), (25, 26), (70, 100)], &[(5, 6), (99, 100)]] {
        let seen: Vec<usize> =
            runs.iter().flat_map(|(from, to)| *from as usize..*to as usize).collect();
        let mut first = vec![0.0; query.len()];
        Attention { kept: &kept, runs, query: &query }.run(Isa::best(), &mut first);
        for isa in Isa::all() {
            let mut out = vec![0.0; query.len()];
            Attention { kept: &kept, runs, query: &query }.run(isa, &mut out);
            assert_eq!(bits(&out), bits(&first), "{isa:?} {runs:?}");
        }
        for head in 0..heads * share {
            let (query, at) = (&query[head * width..][..width], head / share * width);
            let dot = |row: usize| -> f32 {
                query.iter().zip(&rows[row].0[at..]).map(|(a, b)| a * b).sum()
            };
            let weights: Vec<f32> =
                seen.iter().map(|row| (dot(*row) / (width as f32).sqrt()).exp()).collect();
            let total: f32 = weights.iter().sum();
            for column in 0..width {
                let mixed = seen
                    .iter()
                    .zip(&weights)
                    .map(|(row, weight)| weight * rows[*row].1[at + column]);
                let wrong = (mixed.sum::<f32>() / total - first[head * width + column]).abs();
                assert!(wrong < 1e-4, "{runs:?} head {head}: off by {wrong}");
            }
        }
    }
}

#[test]
fn the_exponential_is_right_to_the_last_place_or_two() {
    for step in -8699..=8700 {
        let x = step as f32 / 100.0;
        let (found, expected) = (vector::exponential(x), x.exp());
        assert!((found - expected).abs() <= expected * 3e-7, "e^{x}: {found}, {expected}");
    }
    assert_eq!(vector::exponential(f32::NEG_INFINITY), 0.0);
}

#[test]
fn the_work_between_products_gives_the_same_bits_everywhere() {
    let mut chance = Chance(5);
    let (row, other) = (chance.values(192), chance.values(192));
    let all: Vec<[Vec<u32>; 3]> = Isa::all()
        .into_iter()
        .map(|isa| {
            let mut made = [vec![0.0; 192], vec![0.0; 192], row.clone()];
            rms_norm(isa, &row, &other, 1e-5, &mut made[0]);
            swiglu(isa, &row, &other, &mut made[1]);
            rotate(isa, &mut made[2], &other[..96], &other[96..], true);
            made.map(|values| bits(&values))
        })
        .collect();
    assert!(all.iter().all(|found| *found == all[0]));
    for (found, (gate, up)) in all[0][1].iter().zip(row.iter().zip(&other)) {
        let expected = gate / (1.0 + (-gate).exp()) * up;
        assert!((f32::from_bits(*found) - expected).abs() < 1e-6);
    }
}

#[test]
fn a_low_rank_change_is_added_as_its_definition_says_on_every_path() {
    let mut chance = Chance(5);
    let (rows, columns, rank) = (17, 96, 3);
    let plain = chance.values(rows * columns);
    let (tall, wide) = (chance.values(rows * rank), chance.values(rank * columns));
    let change = |row: usize, column: usize| {
        (0..rank).fold(0.0f32, |total, at| {
            tall[row * rank + at].mul_add(wide[at * columns + column], total)
        })
    };
    let expected: Vec<f32> = (0..rows * columns)
        .map(|at| plain[at] + change(at / columns, at % columns) * 0.5)
        .collect();
    let change = LowRank { tall: tall.clone(), wide: wide.clone(), columns, scale: 0.5 };
    let changed = Source::Changed { base: Box::new(Source::Values(plain)), change };
    assert_eq!(bits(&changed.all_values(rows * columns)), bits(&expected));
    let source = Source::Values(expected.clone());
    for isa in Isa::all() {
        for (block, expected) in expected.chunks(BLOCK).enumerate() {
            assert_eq!(bits(&changed.values(isa, block)), bits(expected), "{isa:?}");
        }
    }
    let (mut one, mut other) = (vec![0.0; columns], vec![0.0; columns]);
    for row in 0..rows {
        Packed::new(&changed, rows, columns, None).row(row, &mut one);
        Packed::new(&source, rows, columns, Some(Form::Eight)).row(row, &mut other);
        assert_eq!(bits(&one), bits(&other));
    }
}

#[test]
fn a_gated_product_is_two_products_and_the_gate_in_any_forms() {
    let mut chance = Chance(6);
    let (rows, columns) = (47, 96);
    let sources = [0; 2].map(|_| Source::Values(chance.values(rows * columns)));
    let pack = |at: usize, form| Packed::new(&sources[at], rows, columns, Some(form));
    for (count, forms) in [
        (1, [Form::Eight, Form::Eight]),
        (5, [Form::Four, Form::Four]),
        (19, [Form::Four, Form::Four]),
        (19, [Form::Four, Form::Eight]),
        (20, [Form::Eight, Form::Four]),
    ] {
        let weights = [pack(0, forms[0]), pack(1, forms[1])];
        let values = chance.values(count * columns);
        let [gate, up] = [0, 1].map(|at| product(Isa::best(), &values, &weights[at]));
        let mut expected = vec![0.0; count * rows];
        for (at, out) in expected.iter_mut().enumerate() {
            let lane = |product: &[f32]| [product[at]; LANES];
            let mut mixed = [0.0; LANES];
            swiglu(Isa::best(), &lane(&gate), &lane(&up), &mut mixed);
            *out = mixed[0];
        }
        for isa in Isa::all() {
            let inputs = inputs(isa, columns, &values);
            let mut out = vec![0.0; count * (rows + 3)];
            let target = Target { values: &mut out, width: rows + 3, column: 2, add: false };
            multiply_gated(isa, &inputs, [&weights[0], &weights[1]], target);
            let found: Vec<f32> =
                out.chunks(rows + 3).flat_map(|row| &row[2..rows + 2]).copied().collect();
            assert_eq!(bits(&found), bits(&expected), "{count} rows, {forms:?}, {isa:?}");
        }
    }
}
