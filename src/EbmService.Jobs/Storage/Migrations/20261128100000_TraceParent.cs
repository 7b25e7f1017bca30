using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace EbmService.Jobs.Storage.Migrations
{
    /// <summary>Keeps which request made a job, so that its trace can be found from the job's.</summary>
    [DbContext(typeof(JobsDbContext))]
    [Migration("20261128100000_TraceParent")]
    public partial class TraceParent : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) =>
            migrationBuilder.AddColumn<string>(
                name: "TraceParent",
                table: "jobs",
                maxLength: 55,
                nullable: true);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            migrationBuilder.DropColumn(
                name: "TraceParent",
                table: "jobs");
    }
}
