#pragma once

#include <gtest/gtest.h>

#include <string>

#include "engine/graph/text.h"
#include "engine/graph/verify.h"
#include "engine/ops/op.h"

namespace beak {

// The type of a value after shape inference over a graph in text form, "float32 [batch, 10]", or the error,
// "INVALID_ARGUMENT: node 'y' (Conv): ...".
inline std::string InferText(const std::string& text, const std::string& value = "y", bool require_static = false) {
  absl::StatusOr<Graph> graph = ParseGraph(text);
  if (!graph.ok()) return "does not parse: " + graph.status().ToString();
  if (absl::Status status = VerifyStructure(*graph); !status.ok()) return "is not sound: " + status.ToString();
  if (absl::Status status = InferShapes(*graph, require_static); !status.ok()) return status.ToString();
  const TensorType& type = graph->value(graph->FindValue(value)).type;
  return std::string(NameOf(type.dtype)) + " " + (type.shape ? ToString(*type.shape) : "of unknown rank");
}

// One row of a family's table: a graph and what is inferred for its value y: a type, or a part of an error's text,
// which has a colon in it.
struct InferCase {
  const char* text;
  const char* expected;
};

inline void ExpectInferred(const InferCase& row) {
  const std::string inferred = InferText(row.text);
  const std::string expected = row.expected;
  if (expected.find(": ") != std::string::npos) {
    EXPECT_NE(inferred.find(expected), std::string::npos)
        << row.text << "\ngives: " << inferred << "\nexpected: " << expected;
  } else {
    EXPECT_EQ(inferred, expected) << row.text;
  }
}

}  // namespace beak
