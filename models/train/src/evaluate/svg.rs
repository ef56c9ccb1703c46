//! As much of SVG as the plots need.

use std::fmt::Write;

/// Colours that are told apart by colour-blind people too (Okabe and Ito 2008), as facts.
const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8a7f00"];

/// Side of the square that curves are drawn in, and the room around it, in pixels.
const SIDE: f64 = 400.0;
const MARGIN: f64 = 60.0;
/// Room for the legend to the right.
const LEGEND: f64 = 220.0;

/// A drawing under way.
pub(super) struct Drawing {
    body: String,
    width: f64,
    height: f64,
}

/// Where a text stands against its point.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Drawing {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { body: String::new(), width, height }
    }

    pub(super) fn rectangle(&mut self, [x, y]: [f64; 2], [width, height]: [f64; 2], fill: &str) {
        let _ = writeln!(
            self.body,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{}\"/>",
            escaped(fill)
        );
    }

    pub(super) fn text(&mut self, [x, y]: [f64; 2], anchor: Anchor, text: &str) {
        self.turned([x, y], anchor, text, 0.0);
    }

    /// A text turned about its point by degrees.
    pub(super) fn turned(&mut self, [x, y]: [f64; 2], anchor: Anchor, text: &str, degrees: f64) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let turn = if degrees == 0.0 {
            String::new()
        } else {
            format!(" transform=\"rotate({degrees:.0} {x:.1} {y:.1})\"")
        };
        let _ = writeln!(
            self.body,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\"{turn}>{}</text>",
            escaped(text)
        );
    }

    pub(super) fn line(&mut self, points: &[[f64; 2]], colour: &str, dashed: bool) {
        let points: Vec<String> = points.iter().map(|[x, y]| format!("{x:.1},{y:.1}")).collect();
        let dashes = if dashed { " stroke-dasharray=\"4 4\"" } else { "" };
        let _ = writeln!(
            self.body,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"{dashes}/>",
            points.join(" "),
            escaped(colour)
        );
    }

    pub(super) fn dot(&mut self, [x, y]: [f64; 2], radius: f64, colour: &str) {
        let _ = writeln!(
            self.body,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"{}\"/>",
            escaped(colour)
        );
    }

    /// The whole file.
    pub(super) fn finish(self) -> String {
        let Self { body, width, height } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{body}</svg>\n"
        )
    }
}

/// A square from 0 to 1 both ways, with curves in it.
pub(super) struct Square {
    pub(super) drawing: Drawing,
    curves: usize,
}

impl Square {
    pub(super) fn new(title: &str, across: &str, up: &str) -> Self {
        let mut drawing = Drawing::new(SIDE + 2.0 * MARGIN + LEGEND, SIDE + 2.0 * MARGIN);
        drawing.text([MARGIN, MARGIN / 2.0], Anchor::Start, title);
        for tick in 0..=5 {
            let share = f64::from(tick) / 5.0;
            let ([x, bottom], [left, y]) = (place([share, 0.0]), place([0.0, share]));
            drawing.line(&[[x, bottom], place([share, 1.0])], "#dddddd", false);
            drawing.line(&[[left, y], place([1.0, share])], "#dddddd", false);
            drawing.text([x, bottom + 18.0], Anchor::Middle, &format!("{share:.1}"));
            drawing.text([left - 8.0, y + 4.0], Anchor::End, &format!("{share:.1}"));
        }
        let middle = MARGIN + SIDE / 2.0;
        drawing.text([middle, SIDE + MARGIN + 40.0], Anchor::Middle, across);
        drawing.turned([18.0, middle], Anchor::Middle, up, -90.0);
        Self { drawing, curves: 0 }
    }

    /// A named curve through points of the unit square; dots have a size between 0 and 1.
    pub(super) fn curve(&mut self, name: &str, points: &[[f64; 2]], dots: &[f64]) {
        let colour = COLOURS[self.curves % COLOURS.len()];
        let dashed = self.curves >= COLOURS.len();
        let placed: Vec<[f64; 2]> = points.iter().copied().map(place).collect();
        self.drawing.line(&placed, colour, dashed);
        for (point, size) in placed.iter().zip(dots) {
            self.drawing.dot(*point, 2.0 + 8.0 * size.sqrt(), colour);
        }
        let y = MARGIN + 12.0 + 20.0 * self.curves as f64;
        let x = SIDE + MARGIN + 20.0;
        self.drawing.line(&[[x, y], [x + 24.0, y]], colour, dashed);
        self.drawing.text([x + 30.0, y + 4.0], Anchor::Start, name);
        self.curves += 1;
    }
}

/// A point of the unit square on the page.
pub(super) fn place([x, y]: [f64; 2]) -> [f64; 2] {
    [MARGIN + x.clamp(0.0, 1.0) * SIDE, MARGIN + (1.0 - y.clamp(0.0, 1.0)) * SIDE]
}

/// Text that is no markup, without characters that XML forbids.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            character if character.is_control() => out.push('\u{fffd}'),
            character => out.push(character),
        }
    }
    out
}
