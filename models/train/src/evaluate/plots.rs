//! The three plots.

use super::svg::{Anchor, Drawing, Square, place};
use super::{Confusion, Curve};

/// Side of a cell of the matrix and room for the names of classes, in pixels.
const CELL: f64 = 36.0;
const NAMES: f64 = 160.0;

/// Classes said against true ones; darker where more of a row's lines are.
pub(super) fn confusion(of: &Confusion) -> String {
    let side = CELL * of.classes.len() as f64;
    let mut drawing = Drawing::new(NAMES + side + 40.0, NAMES + side + 60.0);
    let title = format!("{}: true class (rows) and said class (columns)", of.judge);
    drawing.text([10.0, 20.0], Anchor::Start, &title);
    let top = NAMES + 30.0;
    for (at, class) in of.classes.iter().enumerate() {
        let middle = (at as f64 + 0.5) * CELL;
        drawing.text([NAMES - 8.0, top + middle + 4.0], Anchor::End, class.as_str());
        drawing.turned([NAMES + middle + 4.0, top - 8.0], Anchor::Start, class.as_str(), -60.0);
    }
    for (row, counts) in of.counts.iter().enumerate() {
        let total = counts.iter().sum::<usize>().max(1) as f64;
        for (column, count) in counts.iter().enumerate() {
            let corner = [NAMES + column as f64 * CELL, top + row as f64 * CELL];
            let shade = 255.0 - 155.0 * *count as f64 / total;
            let fill = format!("#{0:02x}{0:02x}ff", shade as u8);
            drawing.rectangle(corner, [CELL - 1.0, CELL - 1.0], &fill);
            if *count > 0 {
                let middle = [corner[0] + CELL / 2.0, corner[1] + CELL / 2.0 + 4.0];
                drawing.text(middle, Anchor::Middle, &count.to_string());
            }
        }
    }
    drawing.finish()
}

/// Promised against true shares; a dot is as large as the share of lines behind it.
pub(super) fn reliability(curves: &[Curve]) -> String {
    let mut square = Square::new(
        "Reliability, strong labels, each class weighing one half",
        "P(malicious) as promised",
        "share that is malicious",
    );
    square.drawing.line(&[place([0.0, 0.0]), place([1.0, 1.0])], "#888888", true);
    for Curve { judge, reliability, .. } in curves {
        let points: Vec<[f64; 2]> =
            reliability.iter().map(|bin| [bin.promised, bin.came]).collect();
        let sizes: Vec<f64> = reliability.iter().map(|bin| bin.weight).collect();
        square.curve(judge, &points, &sizes);
    }
    square.drawing.finish()
}

/// Precision against recall where few lines are malicious.
pub(super) fn precision_recall(curves: &[Curve]) -> String {
    let mut square = Square::new(
        "Precision and recall with one malicious line in a thousand, strong labels",
        "recall",
        "precision",
    );
    for curve in curves {
        square.curve(&curve.judge, &curve.precision_recall, &[]);
    }
    square.drawing.finish()
}
