using System.Text;
using System.Text.Json;
using EbmService.Core.Failures;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Inference.Architectures.Mlp;
using EbmService.Inference.Architectures.TorchScript;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;

namespace EbmService.Inference.Tests.Models;

public sealed class ModelUploadTests : IDisposable
{
    private readonly TestRepository _files = new();
    private readonly LiveModelPool _pool;
    private readonly HostedModels _sut;

    public ModelUploadTests()
    {
        _files.AddMlp("m", "1");
        (_sut, _pool) = _files.Host();
    }

    public void Dispose()
    {
        _pool.Dispose();
        _files.Dispose();
    }

    [Fact]
    public void Add_NewModel_IsStoredAndServed()
    {
        HostedModel added = _sut.Add(Upload("n", "1")).OrThrow();

        Assert.Equal(added.Digest, _sut.Find("n").OrThrow().Digest);
        Assert.True(_sut.MemoryOf(added) > 0);
        Assert.Equal(added.Digest, _files.Open().Find("n", "1").OrThrow().Digest);
        Assert.Equal(["m", "n"], Entries());
    }

    [Fact]
    public void Add_BufferAndCalibration_AreReadAndChecked()
    {
        ModelVersionContent jem = TestRepository.JemContent();
        byte[] buffer = SafetensorsFile.Write(new Dictionary<string, SafetensorsTensor> { ["states"] = jem.Buffer! });
        byte[] calibration = SafetensorsFile.Write(
            new Dictionary<string, SafetensorsTensor> { ["score.logDensity"] = SafetensorsTensor.FromFloats([1, 2, 3], [3]) });
        var upload = new ModelUpload(new("j", "1"), Json(TestRepository.Jem("j")), SafetensorsFile.Write(jem.Weights), buffer, calibration);

        HostedModel added = _sut.Add(upload).OrThrow();

        Assert.Equal(4, added.BufferSize);
        Assert.StartsWith("sha256:", added.CalibrationId);
    }

    [Fact]
    public void Add_VersionOfAModelThatIsThere_KeepsItsDescriptor()
    {
        byte[] before = File.ReadAllBytes(_files.Folder("m", "model.json"));

        _sut.Add(Upload("m", "2") with { Descriptor = null }).OrThrow();
        _sut.Add(Upload("m", "3")).OrThrow();

        Assert.Equal("3", _sut.Find("m").OrThrow().Key.Version);
        Assert.Equal(before, File.ReadAllBytes(_files.Folder("m", "model.json")));
    }

    [Fact]
    public void Add_SameVersionAgain_IsRefusedAndNothingChanges()
    {
        string digest = _sut.Find("m", "1").OrThrow().Digest;

        Failure refused = _sut.Add(Upload("m", "1", scale: 5)).Failure!;

        Assert.Equal(FailureCode.VersionExists, refused.Code);
        Assert.Equal(digest, _sut.Load("m", "1").OrThrow().Digest);
        Assert.Equal(["m"], Entries());
    }

    public static TheoryData<string, string> Bad => new()
    {
        { "name with a path", "model" }, { "hidden name", "model" }, { "version with a path", "version" },
        { "no descriptor", "descriptor" }, { "descriptor of another name", "descriptor" }, { "descriptor that is no JSON", "descriptor" },
        { "descriptor over the caps", "descriptor" }, { "another descriptor for a model that is there", "descriptor" },
        { "wrong shapes", "files" }, { "no weights", "files" }, { "truncated weights", "files" }, { "NaN", "files" }, { "pickle", "files" },
        { "TorchScript", "files" }, { "descriptor of TorchScript", "descriptor" },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void Add_Bad_IsRefusedWithTheFieldAndLeavesNothing(string what, string field)
    {
        Failure refused = _sut.Add(BadUpload(what)).Failure!;

        Assert.Equal(FailureCode.InvalidRequest, refused.Code);
        FieldError error = Assert.Single(refused.Fields);
        Assert.Equal(field, error.Field);
        Assert.DoesNotContain(_files.Root, error.Message);
        Assert.Equal(["m"], Entries());
        Assert.Equal(["1", "model.json"], Directory.EnumerateFileSystemEntries(_files.Folder("m")).Select(Path.GetFileName).Order());
        Assert.Equal("1", _sut.Load("m").OrThrow().Key.Version);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Add_ToAFolderWithoutADescriptor_IsRefusedAndLeavesItAsItWas(bool hasDescriptor)
    {
        Directory.CreateDirectory(_files.Folder("n"));
        ModelUpload upload = Upload("n", "1");

        Failure refused = _sut.Add(hasDescriptor ? upload : upload with { Descriptor = null }).Failure!;

        Assert.Equal("model", Assert.Single(refused.Fields).Field);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_files.Folder("n")));
        Assert.Equal(["m", "n"], Entries());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Start_UploadsThatAKilledProcessLeft_AreRemovedWhereUploadsAreTaken(bool allowUpload)
    {
        AddLeftover(".upload.killed.tmp", "of a killed process");
        File.WriteAllText(_files.Folder(".upload.killed.lock"), "");
        AddLeftover(".upload.older.tmp", "of a version without locks");
        File.WriteAllText(_files.Folder(".upload.published.lock"), "");

        TestRepository.Open(new ModelsOptions { Path = _files.Root, AllowUpload = allowUpload, AllowComposition = false });

        Assert.Equal(
            allowUpload ? ["m"] : [".upload.killed.lock", ".upload.killed.tmp", ".upload.older.tmp", ".upload.published.lock", "m"], Entries());
    }

    [Fact]
    public void Start_UploadsThatAreUnderWay_AreLeftAlone()
    {
        AddLeftover(".upload.used.tmp", "of another process");
        using var use = new FileStream(_files.Folder(".upload.used.lock"), FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        AddLeftover(".upload.new.tmp", "of another process, without locks");
        Directory.SetLastWriteTimeUtc(_files.Folder(".upload.new.tmp"), File.GetLastWriteTimeUtc(_files.Folder(".upload.used.lock")));

        TestRepository.Open(new ModelsOptions { Path = _files.Root, AllowUpload = true });

        Assert.Equal([".upload.new.tmp", ".upload.used.lock", ".upload.used.tmp", "m"], Entries());
    }

    private void AddLeftover(string folder, string text)
    {
        _files.WriteText(text, folder, "1", "version.json");
        Directory.SetLastWriteTimeUtc(_files.Folder(folder), DateTime.UnixEpoch);
    }

    private static ModelUpload BadUpload(string what)
    {
        ModelUpload good = Upload("n", "1");
        byte[] weights = good.Weights!.Value.ToArray();
        return what switch
        {
            "name with a path" => good with { Key = new("../n", "1") },
            "hidden name" => good with { Key = new(".n", "1") },
            "version with a path" => good with { Key = new("n", "../../x") },
            "no descriptor" => good with { Descriptor = null },
            "descriptor of another name" => good with { Descriptor = Json(TestRepository.Mlp("other")) },
            "descriptor that is no JSON" => good with { Descriptor = new byte[] { (byte)'{' } },
            "descriptor over the caps" => good with
            {
                Descriptor = Json(TestRepository.Mlp("n") with { Architecture = new MlpSpec([60_000, 60_000]) }),
            },
            "another descriptor for a model that is there" => Upload("m", "2") with
            {
                Descriptor = Json(TestRepository.Mlp("m") with { Title = "another" }),
            },
            "wrong shapes" => good with { Descriptor = Json(TestRepository.Mlp("n") with { Architecture = new MlpSpec([4]) }) },
            "descriptor of TorchScript" => good with
            {
                Descriptor = Json(TestRepository.Mlp("n") with { Architecture = new TorchScriptSpec(ModuleOutput.Energy) }),
            },
            "no weights" => good with { Weights = null },
            "truncated weights" => good with { Weights = weights[..^1] },
            "NaN" => Upload("n", "1", float.NaN),
            "pickle" => good with { Weights = new byte[] { 0x80, 2, (byte)'c', (byte)'o', (byte)'s', (byte)'\n', (byte)'s', (byte)'y' } },
            _ => good with { Weights = new byte[] { (byte)'P', (byte)'K', 3, 4, 0, 0, 0, 0, 0, 0 } },
        };
    }

    private static ModelUpload Upload(string name, string version, float scale = 2) => new(
        new(name, version), Json(TestRepository.Mlp(name)), SafetensorsFile.Write(TestRepository.MlpWeights(scale)), null, null);

    private static byte[] Json(ModelDescriptor descriptor) =>
        Encoding.UTF8.GetBytes(JsonSerializer.Serialize(descriptor, EbmJson.Indented));

    private IEnumerable<string?> Entries() => Directory.EnumerateFileSystemEntries(_files.Root).Select(Path.GetFileName).Order();
}
