using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace EbmService.Jobs.Storage.Migrations
{
    /// <summary>Keeps what looked wrong with a job's request though nothing forbade it.</summary>
    [DbContext(typeof(JobsDbContext))]
    [Migration("20261127180000_Warnings")]
    public partial class Warnings : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) =>
            migrationBuilder.AddColumn<string>(
                name: "Warnings",
                table: "jobs",
                nullable: true);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            migrationBuilder.DropColumn(
                name: "Warnings",
                table: "jobs");
    }
}
