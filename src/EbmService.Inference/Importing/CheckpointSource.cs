using System.Text.RegularExpressions;

namespace EbmService.Inference.Importing;

/// <summary>One rule of a source's table: names that match the pattern as a whole get the name of the replacement.</summary>
/// <param name="Pattern">A regular expression with groups.</param>
/// <param name="Replacement">With $1, $2 for the groups.</param>
public sealed record NameRule(string Pattern, string Replacement)
{
    private readonly Regex _regex = Whole(Pattern);

    internal string? Apply(string name) => _regex.Match(name) is { Success: true } match ? match.Result(Replacement) : null;

    internal static Regex Whole(string pattern) => new($"^(?:{pattern})\\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
}

/// <summary>
/// Where a checkpoint comes from: how the published code names what the product's architectures name otherwise. Read after what is
/// folded is folded:
/// spectral norms into <c>weight</c>, frozen batch norms into <c>scale</c> and <c>shift</c>.
/// </summary>
/// <param name="Name">On the command line.</param>
/// <param name="Title">What it is, in a sentence.</param>
public sealed record CheckpointSource(string Name, string Title)
{
    private Regex? _ignored, _bounded;

    /// <value>The first rule that matches a name decides.</value>
    public IReadOnlyList<NameRule> Rules { get; init; } = [];

    /// <value>Names that the energy does not depend on, as a regular expression; null where there are none.</value>
    public string? Ignored { get; init; }

    /// <value>
    /// Before <c>weight</c>: where the spectral norm divides by the largest singular value only above 1, as a regular expression; null
    /// where nowhere.
    /// </value>
    public string? BoundedNorms { get; init; }

    /// <value>Every source that is known.</value>
    public static IReadOnlyList<CheckpointSource> All { get; } =
    [
        new("plain", "the product's own names") { Rules = [new("(.*)", "$1")] },
        new("jem", "JEM's wide residual network (github.com/wgrathwohl/JEM), for wide-resnet-jem")
        {
            Rules =
            [
                new(@"f\.conv1\.(weight|bias)", "conv1.$1"),
                new(@"f\.(layer[123]\.\d+\.conv[12])\.(weight|bias)", "$1.$2"),
                new(@"f\.(layer[123]\.\d+\.shortcut)\.0\.(weight|bias)", "$1.$2"),
                new(@"f\.(layer[123]\.\d+)\.bn([12])\.(scale|shift)", "$1.norm$2.$3"),
                new(@"f\.bn1\.(scale|shift)", "norm.$1"),
                new(@"class_output\.(weight|bias)", "head.$1"),
            ],
            Ignored = @"f\.linear\..*|energy_output\..*",
        },
        new("igebm-pytorch", "IGEBM's residual network (github.com/rosinality/igebm-pytorch), for igebm")
        {
            Rules =
            [
                new(@"conv1\.(weight|bias)", "conv1.$1"),
                new(@"(blocks\.\d+\.conv[12])\.(weight|bias)", "$1.$2"),
                new(@"(blocks\.\d+\.skip)\.0\.weight", "$1.weight"),
                new(@"(blocks\.\d+)\.class_embed\.weight", "$1.class"),
                new(@"linear\.(weight|bias)", "head.$1"),
            ],
            BoundedNorms = @"blocks\.\d+\.conv2\.",
        },
    ];

    /// <summary>The product's name of a tensor; null where no rule matches.</summary>
    internal string? NameOf(string name) => Rules.Select(rule => rule.Apply(name)).FirstOrDefault(each => each is not null);

    internal bool Ignores(string name) => Ignored is not null && (_ignored ??= NameRule.Whole(Ignored)).IsMatch(name);

    internal bool HasBoundedNorm(string prefix) => BoundedNorms is not null && (_bounded ??= NameRule.Whole(BoundedNorms)).IsMatch(prefix);
}
