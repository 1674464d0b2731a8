#pragma once

#include <string>

#include "proto/beak/v1/train.pb.h"

// What `beak train` tells of a training, line by line. Texts that come from outside lose their control characters.
// Pure.
namespace beak::cli {

// Without control characters, which each become '?'; a line's end becomes a space.
std::string Printable(const std::string& text);

// "1:05:09", "5:09"; "" where nobody knows.
std::string Duration(double seconds);
// "97.25%".
std::string Percent(double part);

// A line of the table of epochs, without its end. Epochs are counted from 1; "*" stands behind those that were the best
// so far.
std::string EpochHeader();
std::string EpochRow(const v1::EpochReport& epoch);

// How far a job is, in one line without its end: of at most so many columns, with a bar and what else there is room
// for, or (0) all of it without a bar.
struct LineStyle {
  int columns = 0;
  bool utf8 = false;
};
std::string ProgressLine(const v1::TrainProgress& progress, const LineStyle& style);
// The same in a few words, for a table.
std::string ShortProgress(const v1::TrainProgress& progress);

// "queued", "running" ...
std::string StateText(const v1::TrainJob& job);
// What has become of a job that has ended, in a line: "published as version 3 of 'mnist'", or why not.
std::string EndText(const v1::TrainJob& job);
// The scores of the network that a job has trained, in a line; "" where there are none.
std::string ScoreText(const v1::TrainJob& job);

}  // namespace beak::cli
