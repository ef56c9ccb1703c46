//! Figures as tables that a person can read.

use std::fmt::Write;

use crate::judge::Figures;
use crate::validate::Contest;

const INTRODUCTION: &str = "# What the screen is worth\n\n\
    Written by `vedette-train`. Rows named \"dev\" stand here only where the dev split was \
    held out: then the files in this folder judge it, and no template and no source file of it was learnt \
    from. \"held-out groups\" and \"without X, on it\" \
    rows are judged by screens trained without them, before calibration: as their files would be \
    (\"screen\") and before quantising. Naive Bayes \
    (multinomial, the same features) and the majority class learn from the labelled log lines of the \
    same training rows. False positives are the share of benign lines called malicious; precision \
    holds for one malicious line in a thousand; ECE for a class prior of one half. \"accuracy\" of the \
    class counts a web attack as right where an exploit came as an HTTP request, \"strict\" doesn't. A \
    technique is right by its parent. \"Alert wanted\" is whether a rule's author wants to hear of a \
    line, which is no proof of malice.\n";

const MALICIOUS: &str = "\n| lines | judge | strong labels | accuracy | balanced | AUC | false positives | precision at 0.1 % | ECE | any label | accuracy | balanced | AUC | alert wanted | accuracy | AUC |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n";

const REST: &str = "\n| lines | judge | class: lines | accuracy | strict | macro F1 | technique: lines | first | in three | severity: lines | accuracy | macro F1 |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n";

/// The report: what the tables show, the tables, and where a baseline is better.
pub fn page(contests: &[(String, Contest)]) -> String {
    [INTRODUCTION, &tables(contests), &losses(contests)].concat()
}

/// The tables.
pub fn tables(contests: &[(String, Contest)]) -> String {
    let mut malicious = MALICIOUS.to_owned();
    let mut rest = REST.to_owned();
    for (lines, contest) in contests {
        for (judge, figures) in contest.figures() {
            if figures.malicious_weak.lines + figures.alert.lines > 0 {
                let cells = malicious_cells(&figures).join(" | ");
                let _ = writeln!(malicious, "| {lines} | {judge} | {cells} |");
            }
            if figures.classes + figures.techniques + figures.severities > 0 {
                let cells = rest_cells(&figures).join(" | ");
                let _ = writeln!(rest, "| {lines} | {judge} | {cells} |");
            }
        }
    }
    malicious + &rest
}

fn malicious_cells(figures: &Figures) -> Vec<String> {
    let (strong, any, alert) = (&figures.malicious, &figures.malicious_weak, &figures.alert);
    let mut cells = vec![strong.lines.to_string()];
    let of_strong = [
        strong.accuracy,
        strong.balanced,
        strong.auc,
        strong.false_positives,
        strong.precision,
        strong.calibration,
    ];
    cells.extend(of_strong.map(|figure| shown(figure, strong.lines)));
    cells.push(any.lines.to_string());
    cells.extend([any.accuracy, any.balanced, any.auc].map(|figure| shown(figure, any.lines)));
    cells.push(alert.lines.to_string());
    cells.extend([alert.accuracy, alert.auc].map(|figure| shown(figure, alert.lines)));
    cells
}

fn rest_cells(figures: &Figures) -> Vec<String> {
    let mut cells = vec![figures.classes.to_string()];
    let class = [figures.class, figures.class_strict, figures.class_f1];
    cells.extend(class.map(|figure| shown(figure, figures.classes)));
    cells.push(figures.techniques.to_string());
    let technique = [figures.technique_first, figures.technique_third];
    cells.extend(technique.map(|figure| shown(figure, figures.techniques)));
    cells.push(figures.severities.to_string());
    let severity = [figures.severity, figures.severity_f1];
    cells.extend(severity.map(|figure| shown(figure, figures.severities)));
    cells
}

fn shown(figure: f64, lines: usize) -> String {
    if lines == 0 || figure.is_nan() { "–".to_owned() } else { format!("{figure:.3}") }
}

/// A figure by which a judge can be beaten: its name, and its lines and value.
type Figure = (&'static str, fn(&Figures) -> (usize, f64));

const CONTESTED: [Figure; 6] = [
    ("malicious, strong labels, accuracy", |f| (f.malicious.lines, f.malicious.accuracy)),
    ("malicious, any label, accuracy", |f| (f.malicious_weak.lines, f.malicious_weak.accuracy)),
    ("class accuracy", |f| (f.classes, f.class)),
    ("class macro F1", |f| (f.classes, f.class_f1)),
    ("first technique", |f| (f.techniques, f.technique_first)),
    ("severity accuracy", |f| (f.severities, f.severity)),
];

/// Where a baseline is better, in words.
fn losses(contests: &[(String, Contest)]) -> String {
    let mut out = String::from("\n## Where a baseline is better\n\n");
    for (lines, contest) in contests {
        let (ours, others): (Vec<_>, Vec<_>) =
            contest.figures().into_iter().partition(|(judge, _)| *judge == "screen");
        let Some((_, ours)) = ours.first() else { continue };
        for (judge, theirs) in &others {
            for (name, figure) in CONTESTED {
                let ((n, our), (_, their)) = (figure(ours), figure(theirs));
                if n > 0 && their > our {
                    let _ = writeln!(
                        out,
                        "- {lines}, {name} ({n} lines): {judge} {their:.3}, screen {our:.3}"
                    );
                }
            }
        }
    }
    out
}
