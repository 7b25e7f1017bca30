using System.Text.Json.Serialization;

namespace EbmService.Core.Models;

/// <summary>What network (or closed formula) computes the energy. Parameters come from the version's safetensors file.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind", UnknownDerivedTypeHandling = JsonUnknownDerivedTypeHandling.FailSerialization)]
[JsonDerivedType(typeof(ConvolutionalJemArchitecture), "conv-jem")]
[JsonDerivedType(typeof(MlpArchitecture), "mlp")]
[JsonDerivedType(typeof(GaussianArchitecture), "gaussian")]
[JsonDerivedType(typeof(DoubleWellArchitecture), "double-well")]
[JsonDerivedType(typeof(RingArchitecture), "ring")]
[JsonDerivedType(typeof(IsingArchitecture), "ising")]
[JsonDerivedType(typeof(PottsArchitecture), "potts")]
public abstract record ArchitectureSpec;

/// <summary>One convolution with SiLU after it.</summary>
/// <param name="Channels">Output channels.</param>
/// <param name="Kernel">Side of the square kernel, pixels.</param>
/// <param name="Stride">Step, pixels.</param>
/// <param name="Padding">Zero padding on each side, pixels.</param>
public sealed record ConvolutionLayer(int Channels, int Kernel, int Stride = 1, int Padding = 1);

/// <summary>
/// A convolutional classifier read as a joint energy model (Grathwohl et al. 2020): logits f(x), E(x,y) = -f(x)[y],
/// E(x) = -logsumexp_y f(x)[y]. No normalisation layers, so that the rows of a batch are independent.
/// </summary>
public sealed record ConvolutionalJemArchitecture(IReadOnlyList<ConvolutionLayer> Layers, int Classes) : ArchitectureSpec;

/// <summary>A multilayer perceptron with SiLU between layers and one scalar output: the energy of a vector.</summary>
public sealed record MlpArchitecture(IReadOnlyList<int> Hidden) : ArchitectureSpec;

/// <summary>E(x) = (x - mean)' P (x - mean) / 2 with precision matrix P; exact moments and log Z: a test oracle.</summary>
/// <param name="Precision">Row-major symmetric positive-definite matrix.</param>
public sealed record GaussianArchitecture(IReadOnlyList<double> Mean, IReadOnlyList<IReadOnlyList<double>> Precision) : ArchitectureSpec;

/// <summary>E(x) = sum_i barrier (x_i^2 / wells^2 - 1)^2: two modes per dimension at +-wells; a test oracle.</summary>
public sealed record DoubleWellArchitecture(double Barrier = 1, double Wells = 1) : ArchitectureSpec;

/// <summary>E(x) = (|x| - radius)^2 / (2 width^2) over the plane or a space: a ring or shell; a test oracle.</summary>
public sealed record RingArchitecture(double Radius = 2, double Width = 0.2) : ArchitectureSpec;

/// <summary>
/// The Ising model on a square lattice of binary variables x (height, width) with free borders, spins s = 2x - 1:
/// E = -coupling sum_neighbours s_i s_j - field sum_i s_i; exact by enumeration up to 4 x 4: a test oracle.
/// </summary>
public sealed record IsingArchitecture(double Coupling = 0.3, double Field = 0) : ArchitectureSpec;

/// <summary>
/// The Potts model on a ring of one-hot variables x (variables, categories):
/// E = -coupling sum_i [x_i = x_(i+1)] - sum_i field[x_i]; exact by enumeration of few variables: a test oracle.
/// </summary>
/// <param name="Field">One number per category; empty for none.</param>
public sealed record PottsArchitecture(double Coupling = 1, IReadOnlyList<double>? Field = null) : ArchitectureSpec;
