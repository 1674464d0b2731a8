#include "engine/job/bind_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/job/job_spec.h"
#include "proto/beak/v1/train.pb.h"
#include "tests/engine/support/run_graph.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Parse;
using ::testing::StartsWith;

constexpr char kOne[] = "graph g\ninput x float32 [n, 4]\ny = Relu(x)\noutput y";
constexpr char kTwo[] =
    "graph g\ninput a float32 [n, 4]\ninput b float32 [n, 4]\ny = Add(a, b)\nz = Sub(a, b)\noutput y\noutput z";

// Fields by name; a name that ends in "#" is one of classes.
data::Schema SchemaOf(const std::vector<std::string>& names) {
  data::Schema schema;
  for (const std::string& name : names) {
    data::Field field;
    field.name = name;
    if (name.back() == '#') {
      field.name.pop_back();
      field.num_classes = 3;
    }
    schema.fields.push_back(field);
  }
  return schema;
}

// "x <- image; y <- label" or what is wrong.
std::vector<std::string> Bind(const std::string& job, const std::vector<std::string>& fields,
                              const std::string& network) {
  const v1::TrainJobSpec spec = *ParseJob(job);
  const data::Schema schema = SchemaOf(fields);
  const Graph graph = Parse(network);
  std::vector<std::string> lines;
  const std::optional<FieldBinding> binding = BindFields(spec, schema, graph, lines);
  EXPECT_EQ(binding.has_value(), lines.empty());
  if (!binding) return lines;
  EXPECT_EQ(binding->inputs.size(), graph.inputs().size());
  for (size_t i = 0; i < binding->inputs.size(); ++i) {
    lines.push_back(graph.value(graph.inputs()[i]).name + " <- " + schema.fields[binding->inputs[i]].name +
                    (binding->normalising[i] != nullptr ? " told" : ""));
  }
  for (const BoundLoss& loss : binding->losses) lines.push_back(loss.output + " <- " + schema.fields[loss.target].name);
  return lines;
}

// ---------------------------------------------------------------- defaults

TEST(BindFieldsTest, TheFieldOfClassesIsTheTargetAndTheRestIsInput) {
  EXPECT_THAT(Bind("", {"image", "label#"}, kOne), ElementsAre("x <- image", "y <- label"));
  EXPECT_THAT(Bind("", {"label#", "image"}, kOne), ElementsAre("x <- image", "y <- label"));
}

TEST(BindFieldsTest, InputsTakeFieldsInOrderOrByName) {
  const std::string losses = "training { loss { output: 'y' target: 't' } }";
  EXPECT_THAT(Bind(losses, {"t", "u", "v"}, kTwo), ElementsAre("a <- u", "b <- v", "y <- t"));
  EXPECT_THAT(Bind(losses, {"t", "b", "a"}, kTwo), ElementsAre("a <- a", "b <- b", "y <- t"));
  EXPECT_THAT(Bind(losses, {"b", "other", "t", "a"}, kTwo), ElementsAre("a <- a", "b <- b", "y <- t"));
}

TEST(BindFieldsTest, ARegressionsTargetIsTheFieldThatIsLeft) {
  const std::string mse = "training { loss { kind: MEAN_SQUARED_ERROR } }";
  EXPECT_THAT(Bind(mse, {"x", "price"}, kOne), ElementsAre("x <- x", "y <- price"));
  EXPECT_THAT(Bind("input { field: 'features' } " + mse, {"features", "price"}, kOne),
              ElementsAre("x <- features told", "y <- price"));
  EXPECT_THAT(Bind(mse, {"features", "price"}, kOne),
              ElementsAre("training.loss[0].target: expected the name of a field, for the default wants only one that "
                          "fits, and there are 'features', 'price'"));
}

TEST(BindFieldsTest, EachLossHasItsOwnDefault) {
  EXPECT_THAT(Bind("training { loss { output: 'y' } loss { output: 'z' kind: MEAN_SQUARED_ERROR } }",
                   {"a", "b", "label#", "age"}, kTwo),
              ElementsAre("a <- a", "b <- b", "y <- label", "z <- age"));
  EXPECT_THAT(Bind("training { loss { output: 'z' } loss { output: 'y' } }", {"a", "b", "label#"}, kTwo),
              ElementsAre("a <- a", "b <- b", "z <- label", "y <- label"))
      << "two heads may learn the same";
}

TEST(BindFieldsTest, AMaskIsTheTargetWhereThereAreNoClasses) {
  EXPECT_THAT(Bind("", {"x", "mask"}, kOne), ElementsAre("x <- x", "y <- mask"));
}

// ---------------------------------------------------------------- what the job names

TEST(BindFieldsTest, InputsAreBoundAsTheJobSays) {
  EXPECT_THAT(Bind("input { field: 'u' input: 'b' } input { field: 'v' input: 'a' } "
                   "training { loss { output: 'y' target: 't' } }",
                   {"t", "u", "v", "w"}, kTwo),
              ElementsAre("a <- v told", "b <- u told", "y <- t"));
  EXPECT_THAT(Bind("input { field: 'b' } input { field: 'a' } training { loss { output: 'y' target: 't' } }",
                   {"a", "b", "t"}, kTwo),
              ElementsAre("a <- a told", "b <- b told", "y <- t"));
}

TEST(BindFieldsTest, AFieldMayGoToSeveralPlaces) {
  EXPECT_THAT(Bind("input { field: 'u' input: 'a' } input { field: 'u' input: 'b' } "
                   "training { loss { output: 'y' target: 'u' kind: MEAN_SQUARED_ERROR } }",
                   {"u"}, kTwo),
              ElementsAre("a <- u told", "b <- u told", "y <- u"));
}

TEST(BindFieldsTest, TellsEveryNameThatThereIsNot) {
  EXPECT_THAT(Bind("input { field: 'p' } input { field: 'u' input: 'q' } "
                   "training { loss { output: 'r' target: 's' } loss {} }",
                   {"u", "v"}, kTwo),
              ElementsAre("input[0].field: expected one of the data's fields 'u', 'v', got 'p'",
                          "input[0].input: expected one of the network's inputs 'a', 'b', got ''",
                          "input[1].input: expected one of the network's inputs 'a', 'b', got 'q'",
                          "training.loss[0].output: expected one of the network's outputs 'y', 'z', got 'r'",
                          "training.loss[0].target: expected one of the data's fields 'u', 'v', got 's'",
                          "training.loss[1].output: expected one of the network's outputs 'y', 'z', got ''"));
}

TEST(BindFieldsTest, EveryInputNeedsOneField) {
  EXPECT_THAT(Bind("input { field: 'a' } training { loss { output: 'y' target: 't' } }", {"a", "t"}, kTwo),
              ElementsAre("input: expected a field for the network's input 'b', got none"));
  EXPECT_THAT(Bind("input { field: 'a' } input { field: 't' input: 'a' } "
                   "training { loss { output: 'y' target: 't' } }",
                   {"a", "t"}, kTwo),
              ElementsAre("input[1]: expected a field for another input, 'a' has one"));
  EXPECT_THAT(Bind("training { loss { output: 'y' target: 't' } }", {"u", "v", "w", "t"}, kTwo),
              ElementsAre("input: expected to be told which fields are the network's inputs 'a', 'b'; the data's, "
                          "without targets, are 'u', 'v', 'w'"));
}

TEST(BindFieldsTest, AnOutputHasOneLoss) {
  EXPECT_THAT(Bind("training { loss { output: 'y' } loss {} }", {"x", "l#"}, kOne),
              ElementsAre("training.loss[1]: expected a loss of another output, 'y' has one"));
}

TEST(BindFieldsTest, SeveralFieldsOfClassesHaveToBeTold) {
  EXPECT_THAT(Bind("", {"image", "fine#", "coarse#"}, kOne), ElementsAre(HasSubstr("and there are 'fine', 'coarse'")));
  EXPECT_THAT(Bind("", {"x"}, kOne), ElementsAre(StartsWith("training.loss[0].target: ")));
}

TEST(BindFieldsTest, LongListsAreCut) {
  std::vector<std::string> many;
  for (int i = 0; i < 1000; ++i) many.push_back("field" + std::to_string(i));
  const std::vector<std::string> lines = Bind("input { field: 'p' }", many, kOne);
  ASSERT_FALSE(lines.empty());
  EXPECT_LT(lines[0].size(), 400u);
}

// ---------------------------------------------------------------- before data is opened

TEST(DescribeFieldsTest, KnowsNamesAndClasses) {
  const auto names = [](const std::string& source) {
    std::vector<std::string> found;
    for (const data::Field& field : DescribeFields(ParseJob("data { training { " + source + " } }")->data()).fields) {
      found.push_back(field.name + (field.num_classes > 0 ? "#" : ""));
    }
    return found;
  };
  EXPECT_THAT(names("arrays { field { name: 'a' } field { name: 'b' classes {} } }"), ElementsAre("a", "b#"));
  EXPECT_THAT(names("csv { field { name: 'a' classes {} } field { name: 'b' } }"), ElementsAre("a#", "b"));
  EXPECT_THAT(names("cifar10 {}"), ElementsAre("image", "label#"));
  EXPECT_THAT(names("image_folder {}"), ElementsAre("image", "label#"));
  EXPECT_THAT(names(""), IsEmpty());
}

}  // namespace
}  // namespace beak
